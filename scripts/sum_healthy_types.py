"""Sum the healthy types over all genes of the reference."""

import numpy as np

from cellcohort.core.job import start_job
from cellcohort.genes.alignment import align_genes
from cellcohort.genes.genome_tables import read_positions
from cellcohort.inputs.resources import gene_aliases
from cellcohort.outputs.parquet import read_frame
from cellcohort.positional.healthy_types import sum_healthy_types
from cellcohort.reference.checked_cells import checked_cells

settings = start_job(snakemake)
files, output, reference = snakemake.input, snakemake.output, settings["reference"]
counts, rows, labels, _ = checked_cells(reference, files.reference, files.qc)
alignment = align_genes(counts.genes, read_frame(files.vocabulary), gene_aliases())
types = sum_healthy_types(
    counts,
    rows,
    labels,
    positions=read_positions(files.positions),
    vocabulary=np.flatnonzero(alignment.target >= 0),
)
types.write(output.healthy_types, output.positional)
