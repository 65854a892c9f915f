"""Write the status of every sample as one table."""

from cellcohort.cohort import collect_status
from cellcohort.cohort_tables import SAMPLES
from cellcohort.jobs import begin
from cellcohort.tables import write_both

begin(snakemake)
samples = collect_status(snakemake.input.status, snakemake.params.samples)
write_both(snakemake.output.samples, snakemake.output.samples_tsv, [samples], SAMPLES)
