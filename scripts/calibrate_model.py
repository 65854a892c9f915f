"""Calibrate the model on reference cells and complete the bundle."""

from dataclasses import replace
from pathlib import Path

from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.manifest import write_manifest
from cellcohort.bundle.model_bundle import load_model
from cellcohort.core.gpus import choose_device, use_threads
from cellcohort.core.job import start_job
from cellcohort.model.linear import read_linear_models
from cellcohort.model.token_store import TokenStore
from cellcohort.outputs.parquet import read_frame, write_table
from cellcohort.outputs.schemas import VOCABULARY

settings = start_job(snakemake)
use_threads(snakemake.threads)
train, output = settings["train"], snakemake.output
device = choose_device(train["device"], gpus=snakemake.resources.get("gpu", 0))
model = load_model(snakemake.input.weights, snakemake.input.config).to(device)
linear_models = read_linear_models(snakemake.input.linear_models)
result = calibrate(model, TokenStore(snakemake.input.tokens), linear_models, seed=train["seed"])
labelled = read_frame(snakemake.input.qc, ["passed", "reason"]).query("reason != 'no label'")
counted = {"n_labelled": len(labelled), "n_left_out": int((~labelled["passed"]).sum())}
result = replace(result, metrics=result.metrics | {"reference_qc": counted})
result.write(
    weights=snakemake.input.weights,
    calibration=output.calibration,
    profiles=output.profiles,
    metrics=output.metrics,
    labels=output.labels,
    reference_embedding=output.reference_embedding,
    reference_tokens=output.reference_tokens,
)
write_table(output.vocabulary, read_frame(snakemake.input.vocabulary), VOCABULARY)
write_manifest(Path(output.manifest).parent)
