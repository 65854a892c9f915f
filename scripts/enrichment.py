"""Test gene sets in the cohort's gene scores and programs."""

from cellcohort.cohort.enrichment import enrich
from cellcohort.core.job import start_job
from cellcohort.inputs.gene_sets import read_gene_sets
from cellcohort.outputs.parquet import read_frame, write_both
from cellcohort.outputs.schemas import ENRICHMENT

start_job(snakemake)
gene_scores, programs = (read_frame(snakemake.input[name]) for name in ("gene_scores", "programs"))
table = enrich(gene_scores, programs, read_gene_sets(snakemake.input.gene_sets))
write_both(snakemake.output.enrichment, snakemake.output.enrichment_tsv, [table], ENRICHMENT)
