"""Sum the healthy types over all genes of the reference."""

from cellcohort.core.job import start_job
from cellcohort.positional.healthy_types import reference_types

settings = start_job(snakemake)
files = snakemake.input
types = reference_types(settings["reference"], files.reference, files.qc, files.vocabulary, positions=files.positions)
types.write(snakemake.output.healthy_types, snakemake.output.positional)
