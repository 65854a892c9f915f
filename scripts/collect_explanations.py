"""Average the samples' gene scores and programs over the cohort."""

from cellcohort.cohort.mean_explanations import mean_gene_scores, mean_programs
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_both
from cellcohort.outputs.schemas import GENE_SCORES, PROGRAMS

start_job(snakemake)
output = snakemake.output
scores = mean_gene_scores(snakemake.input.gene_scores)
write_both(output.gene_scores, output.gene_scores_tsv, [scores], GENE_SCORES)
programs = mean_programs(snakemake.input.programs, gene_scores=snakemake.input.gene_scores)
write_both(output.programs, output.programs_tsv, [programs], PROGRAMS)
