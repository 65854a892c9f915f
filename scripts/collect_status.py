"""Write the status of every sample as one table."""

from cellcohort.cohort import collect_status
from cellcohort.cohort_tables import SAMPLES
from cellcohort.logs import log_to
from cellcohort.tables import write_table, write_tsv

log_to(snakemake.log[0])
samples = collect_status(snakemake.input.status, snakemake.params.samples)
write_table(snakemake.output.samples, samples, SAMPLES)
write_tsv(snakemake.output.samples_tsv, samples)
