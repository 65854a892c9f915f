"""Calibrate the model on reference cells and complete the bundle."""

from pathlib import Path

from cellcohort.bundle import load_model
from cellcohort.inference import choose_device, use_threads
from cellcohort.jobs import begin
from cellcohort.judgement import calibrate
from cellcohort.tables import VOCABULARY, read_frame, write_table
from cellcohort.tokens import TokenStore

begin(snakemake)
use_threads(snakemake.threads)
train, vocabulary = snakemake.params.train, snakemake.output.vocabulary
device = choose_device(train["device"], gpus=snakemake.resources.get("gpu", 0))
model = load_model(snakemake.input.weights, snakemake.input.config).to(device)
result = calibrate(model, TokenStore(snakemake.input.tokens), alpha=snakemake.params.alpha, seed=train["seed"])
result.write(Path(vocabulary).parent)
write_table(vocabulary, read_frame(snakemake.input.vocabulary), VOCABULARY)
