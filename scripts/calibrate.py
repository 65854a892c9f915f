"""Calibrate the model on held-out reference cells and complete the bundle."""

from cellcohort.bundle import load_model
from cellcohort.files import write_json
from cellcohort.inference import choose_device, use_threads
from cellcohort.judgement import calibrate
from cellcohort.logs import log_to
from cellcohort.tables import LABELS, VOCABULARY, read_frame, reference_embedding_schema, write_table
from cellcohort.tokens import TokenStore

log_to(snakemake.log[0])
use_threads(snakemake.threads)
device = choose_device(snakemake.params.train["device"])
model = load_model(snakemake.input.weights, snakemake.input.config).to(device)
result = calibrate(
    model, TokenStore(snakemake.input.tokens), alpha=snakemake.params.alpha, seed=snakemake.params.train["seed"]
)
write_json(snakemake.output.calibration, result.calibration)
write_json(snakemake.output.metrics, result.metrics)
write_table(snakemake.output.labels, result.labels, LABELS)
write_table(snakemake.output.reference_embedding, result.embedding, reference_embedding_schema(model.config.d_model))
write_table(snakemake.output.vocabulary, read_frame(snakemake.input.vocabulary), VOCABULARY)
