"""The part of a bundle's check that needs torch and pyarrow: the network's tensors, and the tables beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from ..core.errors import InputError, reading
from ..inputs.bundle_files import REMEDY, confusion_labels, model_settings, network_name
from ..inputs.tensor_files import tensor_shapes
from ..model.presets import CONFIGS, Config, make_network
from ..model.token_store import STORE
from ..outputs.parquet import read_whole, stacked
from ..outputs.schemas import HEALTHY_TYPES, HISTORY, LABELS, VOCABULARY, reference_embedding_schema


def network_config(config: str | Path) -> Config:
    """Sizes of the network in a bundle's config.json."""
    return CONFIGS[network_name(config)](**model_settings(config))


def check_network(weights: str | Path, config: str | Path) -> None:
    """Raise InputError unless the weights are finite and those of a network with the sizes of config.json."""
    found = tensor_shapes(weights)
    with torch.device("meta"):  # shapes alone
        network = make_network(network_config(config))
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    differing = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    if differing:
        name = differing[0]
        raise InputError(
            f"{weights}: {len(differing)} tensors are not those of config.json; {name} has the shape "
            f"{found.get(name)}, not {expected.get(name)}. {REMEDY}"
        )


def check_tables(folder: str | Path) -> None:
    """Raise InputError unless the tables of a bundle have the genes and labels of the model, in its order."""
    folder = Path(folder)
    config = network_config(folder / "config.json")
    read_whole(folder / "history.parquet", HISTORY)
    vocabulary = read_whole(folder / "vocabulary.parquet", VOCABULARY)
    _check_numbers(folder / "vocabulary.parquet", vocabulary["token_id"], config.n_genes)
    labels = read_whole(folder / "labels.parquet", LABELS)
    _check_numbers(folder / "labels.parquet", labels["label_id"], config.n_labels)
    names = labels["label"].to_pylist()
    if names != confusion_labels(folder / "metrics.json") or len(set(names)) != len(names):
        raise InputError(f"{folder / 'labels.parquet'}: its labels are not those of metrics.json, in order. {REMEDY}")
    _check_healthy_types(folder / "healthy_types.parquet", names)
    path = folder / "reference_embedding.parquet"
    embedding = read_whole(path, reference_embedding_schema(config.d_model))
    if unknown := sorted(set(embedding["label"].to_pylist()) - set(names)):
        raise InputError(f"{path}: its cells have labels that the model does not know, as {unknown[0]}. {REMEDY}")
    if not np.isfinite(stacked(embedding["vector"])).all():
        raise InputError(f"{path}: its vectors hold values that are no finite numbers. {REMEDY}")
    _check_tokens(folder / "reference_tokens.arrow", names, config)


def _check_tokens(path: Path, labels: list[str], config: Config) -> None:
    try:
        with reading(path), pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
            table.validate(full=True)
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: it cannot be read as Arrow ({reason}). {REMEDY}") from error
    if not table.schema.equals(STORE) or not len(table):
        raise InputError(f"{path}: it has not the columns of a token file, or no cell. {REMEDY}")
    if unknown := sorted(set(table["label"].unique().to_pylist()) - set(labels)):
        raise InputError(f"{path}: its cells have labels that the model does not know, as {unknown[0]}. {REMEDY}")
    genes, bins = (pc.list_flatten(table[name]).to_numpy() for name in ("genes", "bins"))
    if genes.max(initial=0) >= config.n_genes or bins.max(initial=0) > config.n_bins:
        raise InputError(f"{path}: it has genes or bins that the model does not know. {REMEDY}")


def _check_healthy_types(path: Path, labels: list[str]) -> None:
    table = read_whole(path, HEALTHY_TYPES)
    if unknown := sorted(set(table["label"].unique().to_pylist()) - set(labels)):
        raise InputError(f"{path}: the model does not know its type {unknown[0]}. {REMEDY}")
    counts = table["n_counts"].to_numpy()
    if not len(counts) or not np.isfinite(counts).all() or counts.min() < 0:
        raise InputError(f"{path}: it has no counts, or values that are none. {REMEDY}")


def _check_numbers(path: Path, numbers: pa.ChunkedArray, n: int) -> None:
    if numbers.to_pylist() != list(range(n)):
        raise InputError(f"{path}: its {len(numbers)} rows are not the {n} of the model, numbered in order. {REMEDY}")
