"""Hand one sample the verdicts of its cells."""

from cellcohort.core.job import start_job
from cellcohort.verdict.patient_verdict import write_sample_verdict

start_job(snakemake)
sample_id = snakemake.params.sample["sample_id"]
write_sample_verdict(snakemake.output.verdict, snakemake.input.verdict, sample_id=sample_id)
