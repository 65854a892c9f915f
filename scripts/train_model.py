"""Train CellMemory on the reference."""

from pathlib import Path

from cellcohort.bundle.train_bundle import train_network
from cellcohort.core.gpus import choose_device, use_threads
from cellcohort.core.job import start_job


def main() -> None:
    settings = start_job(snakemake)
    use_threads(snakemake.threads)
    config = dict(settings["train"])
    device = choose_device(config.pop("device"), gpus=snakemake.resources.get("gpu", 0))
    folder = Path(snakemake.output.weights).parent
    train_network(
        folder,
        snakemake.input.tokens,
        vocabulary=snakemake.input.vocabulary,
        linear_models=snakemake.output.linear_models,
        # Beside the outputs, not one of them: Snakemake removes the outputs of a job that failed or was killed.
        checkpoint=folder.parent / "checkpoints" / "model.safetensors",
        preset=settings["preset"],
        config=config,
        device=device,
    )


if __name__ == "__main__":  # the processes of several GPUs import this file
    main()
