"""Append the samples' chromosome arms and summarise their copy-number burden."""

from cellcohort.cohort import cnv_burden, collect_cnv_arms
from cellcohort.cohort_tables import CNV_BURDEN, COHORT_CNV_ARMS
from cellcohort.logs import log_to
from cellcohort.tables import write_table, write_tsv

log_to(snakemake.log[0])
samples, output = snakemake.params.samples, snakemake.output
arms = collect_cnv_arms(snakemake.input.arms, samples)
write_table(output.cnv_arms, arms, COHORT_CNV_ARMS)
write_tsv(output.cnv_arms_tsv, arms)
burden = cnv_burden(snakemake.input.cells, samples)
write_table(output.cnv_burden, burden, CNV_BURDEN)
write_tsv(output.cnv_burden_tsv, burden)
