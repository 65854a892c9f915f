"""Train CellMemory on the reference."""

from pathlib import Path

from cellcohort.bundle import save_model
from cellcohort.inference import choose_device, use_threads
from cellcohort.logs import log_to
from cellcohort.model import PRESETS, ModelConfig
from cellcohort.tables import HISTORY, read_frame, write_table
from cellcohort.tokens import TokenStore
from cellcohort.training import TrainConfig, train

log_to(snakemake.log[0])
use_threads(snakemake.threads)
settings = dict(snakemake.params.train)
device = choose_device(settings.pop("device"))
store = TokenStore(snakemake.input.tokens)
sizes = ModelConfig(
    n_genes=len(read_frame(snakemake.input.vocabulary)), n_labels=len(store.labels), **PRESETS[snakemake.params.preset]
)
model, history = train(
    store, store.labels, sizes, TrainConfig(**settings), device=device, checkpoint=snakemake.params.checkpoint
)
save_model(
    model,
    weights=snakemake.output.weights,
    config=snakemake.output.config,
    settings={"preset": snakemake.params.preset, "train": settings},
)
write_table(snakemake.output.history, history, HISTORY)
Path(snakemake.params.checkpoint).unlink(missing_ok=True)
