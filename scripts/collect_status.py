"""Write the status of every sample as one table."""

from cellcohort.cohort.sample_status import collect_status
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_both
from cellcohort.outputs.schemas import SAMPLES

start_job(snakemake)
samples = collect_status(snakemake.input.status, snakemake.params.samples)
write_both(snakemake.output.samples, snakemake.output.samples_tsv, [samples], SAMPLES)
