"""cellcohort: map patient single-cell samples onto a healthy reference with CellMemory.

The library holds everything that computes; the Snakemake workflow around it only decides what runs when. No module
here imports Snakemake.
"""

__version__ = "0.1.0"
