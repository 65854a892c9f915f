"""Tabulate how well reference and cohort are integrated in the embedding."""

from cellcohort.cohort_tables import INTEGRATION
from cellcohort.integration import integration
from cellcohort.jobs import begin
from cellcohort.tables import write_both

begin(snakemake)
table = integration(
    snakemake.input.reference_embedding,
    embeddings=snakemake.input.embedding,
    annotations=snakemake.input.annotation,
)
write_both(snakemake.output.integration, snakemake.output.integration_tsv, [table], INTEGRATION)
