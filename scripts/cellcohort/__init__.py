"""cellcohort: map patient single-cell samples onto a healthy reference with CellMemory.

The library holds everything that computes; the Snakemake workflow around it only decides what runs when. No module
here imports Snakemake.
"""

import os

# OpenMP's threads otherwise wait by spinning: beside another busy job a training step takes six times as long. It has
# to be set before torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

__version__ = "0.2.0"
