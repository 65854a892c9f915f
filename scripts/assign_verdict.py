"""Weigh the evidence on each cell of a patient: its verdict, the probability that it is malignant, and the reason."""

from cellcohort.core.job import start_job
from cellcohort.verdict.patient_verdict import write_patient_verdict

settings = start_job(snakemake)
files = snakemake.input
write_patient_verdict(
    snakemake.output.verdict,
    snakemake.params.samples,
    annotation=files.annotation,
    positional=files.positional,
    cnv_cells=files.cells or None,
    cnv_arms=files.arms or None,
    known_arms=settings["known_arms"],
)
