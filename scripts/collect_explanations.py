"""Average the samples' gene scores and programs over the cohort."""

from cellcohort.cohort import mean_gene_scores, mean_programs
from cellcohort.jobs import begin
from cellcohort.tables import GENE_SCORES, PROGRAMS, write_table, write_tsv

begin(snakemake)
output = snakemake.output
scores = mean_gene_scores(snakemake.input.gene_scores)
write_table(output.gene_scores, scores, GENE_SCORES)
write_tsv(output.gene_scores_tsv, scores)
programs = mean_programs(snakemake.input.programs, gene_scores=snakemake.input.gene_scores)
write_table(output.programs, programs, PROGRAMS)
write_tsv(output.programs_tsv, programs)
