"""From the checked cells of a reference to a whole bundle, file by file: what the rules of the model do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..genes.alignment import align_genes
from ..inputs.resources import gene_aliases
from ..model.linear import read_linear_models, write_linear_models
from ..model.presets import PRESETS
from ..model.token_store import TokenStore, tokenise_reference, write_store
from ..model.training import TrainConfig, train, train_on_gpus
from ..outputs.parquet import read_frame, write_table
from ..outputs.schemas import HISTORY, VOCABULARY
from ..reference.cells import coarse_types
from ..reference.checked_cells import checked_cells
from ..reference.splits import assign_splits
from .calibrate import calibrate
from .hidden_names import hide_names
from .manifest import write_manifest
from .model_bundle import bundle_paths, load_model, save_model


def write_tokens(
    tokens: str | Path,
    reference: Mapping[str, Any],
    path: str,
    *,
    qc: str | Path,
    vocabulary: str | Path,
    seed: int,
) -> None:
    """Turn the reference into tokens.

    Parameters
    ----------
    tokens
        The file to be written (`model.token_store`).
    reference, path
        The config's `reference` section, and its file.
    qc, vocabulary
        Its qc.parquet, and the vocabulary.
    seed
        Of the held-out part.
    """
    counts, rows, labels, donors = checked_cells(reference, path, qc)
    splits = assign_splits(counts.cell_ids[rows], labels, donors, seed=seed)
    alignment = align_genes(counts.genes, read_frame(vocabulary), gene_aliases())
    coarse = coarse_types(counts, rows, labels, reference.get("coarse"))
    write_store(tokens, tokenise_reference(counts, rows, labels, donors, splits, coarse, alignment))


def train_network(
    folder: str | Path,
    tokens: str | Path,
    *,
    vocabulary: str | Path,
    linear_models: str | Path,
    checkpoint: Path,
    preset: str,
    config: Mapping[str, Any],
    device: torch.device,
) -> None:
    """Train the network, and write weights, config and history into the bundle `folder`.

    Parameters
    ----------
    tokens, vocabulary
        Of the reference.
    linear_models
        The file to be written that calibration reads.
    checkpoint
        What training resumes from; removed once the model is written.
    preset, config
        `model.preset`, and the `train` section without its device.
    device
        Where to train; of several GPUs that are visible all are used.
    """
    store, files = TokenStore(tokens), bundle_paths(folder)
    sizes = PRESETS[preset](n_genes=len(read_frame(vocabulary)), n_labels=len(store.labels))
    settings, n_gpus = TrainConfig(**config), torch.cuda.device_count() if device.type == "cuda" else 0
    if n_gpus > 1:
        trained = train_on_gpus(store.path, sizes, settings, n_processes=n_gpus, checkpoint=checkpoint)
    else:
        trained = train(store, sizes, settings, device=device, checkpoint=checkpoint)
    described = {"preset": preset, "train": dict(sorted(config.items()))}
    save_model(trained.model, weights=files["weights"], config=files["config"], settings=described)
    write_table(files["history"], trained.history, HISTORY)
    write_linear_models(linear_models, trained.linear_models)
    checkpoint.unlink(missing_ok=True)


def complete_bundle(
    folder: str | Path,
    tokens: str | Path,
    *,
    qc: str | Path,
    vocabulary: str | Path,
    linear_models: str | Path,
    device: torch.device,
    seed: int,
    keep_ids: bool = False,
) -> None:
    """Calibrate the network in the bundle `folder` on reference cells, and write what the bundle still lacks.

    Parameters
    ----------
    tokens, qc, vocabulary, linear_models
        Of the reference.
    device, seed
        Of the calibration.
    keep_ids
        Whether the bundle names the reference's cells and donors (`hidden_names`).
    """
    files = bundle_paths(folder)
    model = load_model(files["weights"], files["config"]).to(device)
    result = calibrate(model, TokenStore(tokens), read_linear_models(linear_models), seed=seed)
    labelled = read_frame(qc, ["passed", "reason"]).query("reason != 'no label'")
    counted = {"n_labelled": len(labelled), "n_left_out": int((~labelled["passed"]).sum())}
    result = replace(result, metrics=result.metrics | {"reference_qc": counted})
    (result if keep_ids else hide_names(result)).write_into(folder)
    write_table(files["vocabulary"], read_frame(vocabulary), VOCABULARY)
    write_manifest(folder)
