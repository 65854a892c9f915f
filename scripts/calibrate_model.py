"""Calibrate the model on reference cells and complete the bundle."""

from pathlib import Path

from cellcohort.bundle.train_bundle import complete_bundle
from cellcohort.core.gpus import choose_device, use_threads
from cellcohort.core.job import start_job

settings = start_job(snakemake)
use_threads(snakemake.threads)
files, train = snakemake.input, settings["train"]
complete_bundle(
    Path(snakemake.output.manifest).parent,
    files.tokens,
    qc=files.qc,
    vocabulary=files.vocabulary,
    linear_models=files.linear_models,
    device=choose_device(train["device"], gpus=snakemake.resources.get("gpu", 0)),
    seed=train["seed"],
    keep_ids=settings["keep_ids"],
)
