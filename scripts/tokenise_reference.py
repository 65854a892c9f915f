"""Turn the reference into tokens, once."""

from cellcohort.bundle.train_bundle import write_tokens
from cellcohort.core.job import start_job

settings = start_job(snakemake)
files = snakemake.input
write_tokens(
    snakemake.output.tokens,
    settings["reference"],
    files.reference,
    qc=files.qc,
    vocabulary=files.vocabulary,
    seed=settings["seed"],
)
