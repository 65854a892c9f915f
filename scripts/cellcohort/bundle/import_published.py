"""Import of models of the published CellMemory package (Genome Biology 26:178, 2025) as bundles of this one.

Two steps: `import_published` writes the files that hold the model, `calibrate_published` adds what the package does not
keep (calibration, OOD detector, embedded reference) from labelled cells. Then `model.bundle` may name the folder.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy._core import multiarray
from torch import Tensor

from ..core.errors import InputError
from ..genes.alignment import align_genes
from ..genes.vocabulary import describe_genes
from ..inputs.gene_names import gene_frame
from ..inputs.resources import gene_aliases, gene_positions, genome_of
from ..model.network import CellMemory, ModelConfig
from ..model.presets import Config
from ..model.token_store import TokenStore, tokenise_reference, write_store
from ..outputs.parquet import empty, read_frame, write_table
from ..outputs.schemas import HISTORY, LABELS, VOCABULARY
from ..positional.healthy_types import sum_healthy_types
from ..reference.cells import labelled_cells, open_reference
from ..reference.splits import assign_splits
from .calibrate import calibrate
from .hidden_names import hide_names
from .manifest import write_manifest
from .model_bundle import load_model, save_model

MAX_LOG = 10  # log1p(10,000), rounded up
N_LAYERS, KEY_SIZE = 4, 32  # the layers share their weights, so a checkpoint does not tell their number; keys are 32
LAYER = "transformer.enc."
MEMORY = LAYER + "self_attn.relational_memory."
MODULES = {  # ours: theirs, with weight and bias
    "embedding.norm": "embedding.layer_norm",
    "workspace.norm_in": LAYER + "self_attn_layer_norm",
    "workspace.norm_ff": LAYER + "final_layer_norm",
    "workspace.ff.0": LAYER + "fc1",
    "workspace.ff.2": LAYER + "fc2",
    "workspace.project": MEMORY + "input_projector",
    "workspace.attention.query": MEMORY + "query_proj",
    "workspace.attention.key": MEMORY + "key_proj",
    "workspace.attention.value": MEMORY + "value_proj",
    "workspace.norm_read": MEMORY + "attended_memory_layernorm",
    "workspace.norm_memory": MEMORY + "attended_memory_layernorm2",
    "workspace.memory_mlp": MEMORY + "attention_mlp.0",
    "workspace.gates.tokens": MEMORY + "input_gate_projector.linear",
    "workspace.gates": MEMORY + "memory_gate_projector",
    "head": "mlp_head",
}
TENSORS = {
    "workspace.gates.scale": MEMORY + "input_gate_projector.w",
    "workspace.gates.input_bias": MEMORY + "input_bias",
    "workspace.gates.forget_bias": MEMORY + "forget_bias",
}


def import_published(source: str | Path, target: str | Path, *, n_layers: int = N_LAYERS) -> None:
    """Write the model of a published checkpoint folder as weights, config, vocabulary, labels and an empty history.

    The folder still lacks calibration, profiles, metrics, the embedded reference and the manifest, without which it
    does not open as a bundle: `calibrate_published` writes them.

    Parameters
    ----------
    source
        Folder NAME with NAME_ckpt.pth, NAME_ref_gene.txt, NAME_idx2celltype.txt and MaxBin.txt. Both modes are
        recognised by their weights. Fewer bins in MaxBin.txt than in the weights mean training with `bin_norm`, whose
        values are taken for log-normalised counts per 10,000 (those of the published demonstration).
    target
        Folder of the bundle.
    n_layers
        Layers that the model was trained with.

    Raises
    ------
    InputError
        When a file is missing, is not a checkpoint of the package, or does not fit the others.
    """
    source, target = Path(source), Path(target)
    name = source.resolve().name
    genes, labels = (_read_names(source / f"{name}_{part}.txt") for part in ("ref_gene", "idx2celltype"))
    weights = _read_weights(source / f"{name}_ckpt.pth")
    model = convert_weights(weights, n_layers=n_layers, max_bin=_read_max_bin(source / "MaxBin.txt", weights))
    _check_sizes(source, model.config, len(genes), labels)
    labels = _sort_labels(model, labels)
    config = model.config
    modes = {"mode": "full" if config.all_genes else "fast", "exp_bin": _exp_bin(config.bins_by_value)}
    settings = {"imported": {"package": "CellMemory"} | modes}
    save_model(model, weights=target / "weights.safetensors", config=target / "config.json", settings=settings)
    write_table(target / "vocabulary.parquet", _vocabulary(genes), VOCABULARY)
    table = pd.DataFrame({"label_id": np.arange(len(labels)), "label": labels, "n_cells": 0, "coarse": None})
    write_table(target / "labels.parquet", table, LABELS)
    write_table(target / "history.parquet", empty(HISTORY), HISTORY)


def calibrate_published(folder: str | Path, reference: Mapping[str, Any], *, seed: int = 1) -> None:
    """Complete an imported bundle with calibration, profiles, metrics, the embedded reference and its manifest.

    Parameters
    ----------
    folder
        What `import_published` wrote.
    reference
        Labelled cells as in the config's `reference` section (path, label, donor, counts, genes); cells of labels that
        the model does not know are left out. A fifth of them, whole donors where there are several, fits the
        confidence; the OOD detector uses all. Coarse types are not read. The
        metrics are honest only if the published model was not trained on those cells.
    seed
        As `train.seed` in the config.

    Raises
    ------
    InputError
        When the reference has no cell of one of the model's labels.
    """
    folder = Path(folder)
    model = load_model(folder / "weights.safetensors", folder / "config.json")
    labels = read_frame(folder / "labels.parquet")["label"].tolist()
    with TemporaryDirectory() as scratch:
        store = _tokenise(Path(scratch) / "tokens.arrow", folder, model.config, labels, reference, seed=seed)
        hide_names(calibrate(model, store, seed=seed, network_alone=True)).write_into(folder)
    _sum_healthy_types(folder, labels, reference)
    write_manifest(folder)


def convert_weights(
    theirs: Mapping[str, Tensor], *, n_layers: int = N_LAYERS, max_bin: int | None = None
) -> CellMemory:
    """The model that computes what the published one with the state dict `theirs` computes, in evaluation mode.

    With a largest bin `max_bin` below that of the weights, bins are by value; no cell has the other bins.
    """
    full = _is_full(theirs)
    n_genes = theirs[_gene_table(full)].shape[0] - (1 if full else 2)  # without padding and an unused id
    n_bins = _n_bins(theirs) if max_bin is None else max_bin
    config = ModelConfig(
        n_genes=n_genes,
        n_labels=theirs["mlp_head.weight"].shape[0],
        n_bins=n_bins,
        d_model=theirs["mlp_head.weight"].shape[1],
        d_ff=theirs[LAYER + "fc1.weight"].shape[0],
        d_key=KEY_SIZE,
        n_heads=theirs[MEMORY + "query_proj.weight"].shape[0] // KEY_SIZE,
        n_slots=theirs[MEMORY + "memory_gate_projector.weight"].shape[0],
        n_layers=n_layers,
        all_genes=full,
        bins_by_value=n_bins < _n_bins(theirs),
    )
    ours = {f"{a}.{kind}": theirs[f"{b}.{kind}"] for a, b in MODULES.items() for kind in ("weight", "bias")}
    ours |= {a: theirs[b] for a, b in TENSORS.items()}
    ours["embedding.gene.weight"] = theirs[_gene_table(full)][1 : n_genes + 1]
    ours["embedding.bin.weight"] = theirs["embedding.token_embedding.weight"][: n_bins + 1]
    ours["embedding.cls"] = theirs["cls_token"].flatten()
    if full:  # a learned share of a sinusoid, whose first place is that of CLS
        place = (theirs["transformer.pe.pe"] * theirs["transformer.pe.pos_emb_weight"].sigmoid())[0]
        ours["embedding.cls"] = ours["embedding.cls"] + place[0]
        ours["embedding.place.weight"] = place[1 : n_genes + 1]
    model = CellMemory(config)
    model.load_state_dict(ours)
    return model.eval()


def _is_full(theirs: Mapping[str, Tensor]) -> bool:
    return "embedding.position_embedding.weight" in theirs


def _n_bins(theirs: Mapping[str, Tensor]) -> int:
    """The largest bin of the weights."""
    return theirs["embedding.token_embedding.weight"].shape[0] - (2 if _is_full(theirs) else 1)


def _exp_bin(by_value: bool) -> str:
    """The published name of the binning."""
    return "bin_norm" if by_value else "bin_scale"


def _gene_table(full: bool) -> str:
    return f"embedding.{'position' if full else 'gene_ids'}_embedding.weight"


def _read_names(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path}: no such file. Give the folder that the package's training wrote, under its name.")
    try:
        return pd.read_csv(path, header=None, dtype=str, keep_default_na=False)[0].tolist()
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path}: the file is empty. Copy it again.") from error


def _read_weights(path: Path) -> Mapping[str, Tensor]:
    """The state dict of a checkpoint; nothing but tensors and numbers is unpickled."""
    if not path.is_file():
        raise InputError(f"{path}: no such file. Give the folder that the package's training wrote, under its name.")
    try:
        # The numbers are of the accuracy beside the weights.
        with torch.serialization.safe_globals([multiarray.scalar, np.dtype, np.dtypes.Float64DType]):
            weights = torch.load(path, map_location="cpu", weights_only=True)["net"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a checkpoint of the package ({reason}). Train or copy it again.") from error
    if MEMORY + "query_proj.weight" not in weights:
        raise InputError(f"{path}: the weights are not those of CellMemory. Give a folder that its training wrote.")
    return weights


def _check_sizes(source: Path, config: ModelConfig, n_genes: int, labels: list[str]) -> None:
    if (n_genes, len(labels)) != (config.n_genes, config.n_labels):
        raise InputError(
            f"{source}: the lists have {n_genes} genes and {len(labels)} types, the weights {config.n_genes} and "
            f"{config.n_labels}. Copy the files of one training."
        )
    if len(set(labels)) < len(labels):
        raise InputError(f"{source}: a type is listed twice. Copy the list that the package's training wrote.")


def _read_max_bin(path: Path, weights: Mapping[str, Tensor]) -> int:
    """The largest bin of the cells that the model was trained on."""
    text, largest = _read_names(path)[0], _n_bins(weights)
    number = pd.to_numeric(text, errors="coerce")
    if number not in range(1, largest + 1):
        raise InputError(
            f"{path}: {text!r} is no number of bins from 1 to the {largest} of the weights. Copy the files of one "
            "training."
        )
    max_bin = int(number)
    if MAX_LOG < max_bin < largest:
        raise InputError(
            f"{path}: {max_bin} of {largest} bins: the model was trained with bin_norm on values that are not "
            f"log-normalised counts per 10,000, which have at most {MAX_LOG} bins; no sample's file tells such values. "
            "Train on log-normalised values, or with bin_scale."
        )
    return max_bin


def _sort_labels(model: CellMemory, labels: list[str]) -> list[str]:
    """Put the model's outputs into the order of the alphabet, in which calibration numbers the labels."""
    order = sorted(range(len(labels)), key=labels.__getitem__)
    with torch.no_grad():
        for parameter in (model.head.weight, model.head.bias):
            parameter.copy_(parameter[order].clone())
    return [labels[number] for number in order]


def _vocabulary(names: list[str]) -> pd.DataFrame:
    """The genes in the model's order, with ids and places where their names are known."""
    genes = gene_frame(np.array(names, object), index=np.array(names, object))
    table = describe_genes(genes, gene_positions(genome_of(genes)), gene_aliases())
    table["gene_id"] = table["gene_id"].where(~table["gene_id"].duplicated(), None)
    return table.assign(token_id=np.arange(len(table), dtype=np.int32))[VOCABULARY.names]


def _sum_healthy_types(folder: Path, labels: list[str], reference: Mapping[str, Any]) -> None:
    counts = open_reference(reference)
    rows, types, _ = labelled_cells(counts, label=reference["label"], types=labels)
    known = np.isin(types, labels)
    vocabulary = align_genes(counts.genes, read_frame(folder / "vocabulary.parquet"), gene_aliases()).target >= 0
    positions = gene_positions(genome_of(counts.genes))
    healthy = sum_healthy_types(
        counts, rows[known], types[known], positions=positions, vocabulary=np.flatnonzero(vocabulary)
    )
    healthy.write(folder / "healthy_types.parquet", folder / "positional.json")


def _tokenise(
    path: Path, folder: Path, config: Config, labels: list[str], reference: Mapping[str, Any], *, seed: int
) -> TokenStore:
    counts = open_reference(reference)
    columns = {"label": reference["label"], "donor": reference.get("donor")}
    rows, types, donors = labelled_cells(counts, **columns, types=labels)
    if missing := sorted(set(labels) - set(types)):
        raise InputError(
            f"{counts.path}: obs column {reference['label']!r} has no cell of {', '.join(missing)}, types that the "
            "model knows. Calibrate on cells of all its types, named as the model names them."
        )
    known = np.isin(types, labels)
    rows, types, donors = rows[known], types[known], None if donors is None else donors[known]
    splits = assign_splits(counts.cell_ids[rows], types, donors, seed=seed)
    alignment = align_genes(counts.genes, read_frame(folder / "vocabulary.parquet"), gene_aliases())
    bins: dict[str, Any] = {"n_bins": config.n_bins, "by_value": config.bins_by_value}
    cells = tokenise_reference(counts, rows, types, donors, splits, None, alignment, **bins)
    write_store(path, cells)
    return TokenStore(path)
