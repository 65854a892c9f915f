"""Tabulate how well reference and cohort are integrated in the embedding."""

from cellcohort.cohort.integration import integration
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_both
from cellcohort.outputs.schemas import INTEGRATION

start_job(snakemake)
table = integration(
    snakemake.input.reference_embedding,
    embeddings=snakemake.input.embedding,
    annotations=snakemake.input.annotation,
)
write_both(snakemake.output.integration, snakemake.output.integration_tsv, [table], INTEGRATION)
