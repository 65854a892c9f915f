"""Test gene sets in the cohort's gene scores and programs."""

from cellcohort.cohort_tables import ENRICHMENT
from cellcohort.enrichment import enrich
from cellcohort.gene_sets import read_gene_sets
from cellcohort.jobs import begin
from cellcohort.tables import read_frame, write_both

begin(snakemake)
gene_scores, programs = (read_frame(snakemake.input[name]) for name in ("gene_scores", "programs"))
table = enrich(gene_scores, programs, read_gene_sets(snakemake.input.gene_sets))
write_both(snakemake.output.enrichment, snakemake.output.enrichment_tsv, [table], ENRICHMENT)
