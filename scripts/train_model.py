"""Train CellMemory on the reference."""

from pathlib import Path

import torch

from cellcohort.bundle.model_bundle import save_model
from cellcohort.core.gpus import choose_device, use_threads
from cellcohort.core.job import start_job
from cellcohort.model.linear import write_linear_models
from cellcohort.model.presets import PRESETS
from cellcohort.model.token_store import TokenStore
from cellcohort.model.training import TrainConfig, train, train_on_gpus
from cellcohort.outputs.parquet import read_frame, write_table
from cellcohort.outputs.schemas import HISTORY


def main() -> None:
    settings = start_job(snakemake)
    use_threads(snakemake.threads)
    training = dict(settings["train"])
    device = choose_device(training.pop("device"), gpus=snakemake.resources.get("gpu", 0))
    # Beside the outputs, not one of them: Snakemake removes the outputs of a job that failed or was killed, and this
    # file is what training resumes from. It is removed once the model is written.
    checkpoint = Path(snakemake.output.weights).parents[1] / "checkpoints" / "model.safetensors"
    store = TokenStore(snakemake.input.tokens)
    n_genes = len(read_frame(snakemake.input.vocabulary))
    sizes = PRESETS[settings["preset"]](n_genes=n_genes, n_labels=len(store.labels))
    config, n_gpus = TrainConfig(**training), torch.cuda.device_count() if device.type == "cuda" else 0
    if n_gpus > 1:
        given = {"n_processes": n_gpus, "checkpoint": checkpoint}
        trained = train_on_gpus(store.path, sizes, config, **given)
    else:
        trained = train(store, sizes, config, device=device, checkpoint=checkpoint)
    save_model(
        trained.model,
        weights=snakemake.output.weights,
        config=snakemake.output.config,
        settings={"preset": settings["preset"], "train": training},
    )
    write_table(snakemake.output.history, trained.history, HISTORY)
    write_linear_models(snakemake.output.linear_models, trained.linear_models)
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":  # the processes of several GPUs import this file
    main()
