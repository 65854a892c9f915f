"""Names of a model bundle's files, and the check that they are there, whole and of one run; nothing heavy is imported.

`bundle.bundle_content` checks what needs pyarrow and torch; `bundle.manifest` writes the manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from ..core.errors import InputError, reading
from ..core.files import checksum, read_json
from .tensor_files import tensor_shapes

FORMAT = 7
CONTENT_FILES = (
    "config.json",
    "weights.safetensors",
    "vocabulary.parquet",
    "labels.parquet",
    "calibration.json",
    "profiles.safetensors",
    "healthy_types.parquet",
    "positional.json",
    "reference_embedding.parquet",
    "reference_tokens.arrow",
    "history.parquet",
    "metrics.json",
)
"""What a manifest lists."""
MANIFEST = "manifest.json"
BUNDLE_FILES = (*CONTENT_FILES, MANIFEST)
SIZES = ("n_genes", "n_labels", "d_model")
"""What the files have to agree on; keys of the manifest."""
_COMMON: dict[str, type] = dict.fromkeys(("n_genes", "n_labels", "n_bins", "d_model", "n_slots"), int)
MODEL_SETTINGS: dict[str, dict[str, type]] = {
    "transformer": {
        **_COMMON,
        **dict.fromkeys(("d_ff", "d_key", "n_heads", "n_layers"), int),
        **{"dropout": float, "broadcast": str, "all_genes": bool, "bins_by_value": bool},
    },
    "additive": _COMMON,
}
"""Keys of `model` in config.json, with their types, by `network`: the fields of the config in `model.presets`."""
MAX_SIZE = 2**16
"""Of any size of a network: a token's gene is a number of 16 bits."""
COVERAGES = 5
"""Coverages for which a bundle has label sets: `classifier.label_sets.COVERAGES`."""
OOD_COMPONENTS = 4
"""Components of the OOD score: `classifier.type_profiles.OOD_COMPONENTS`."""
NULL_SIZES, TAIL_LEVELS = 10, 78
"""Neighbourhoods' sizes and levels of the OOD null: `ood.neighbourhoods.MOST`, `ood.null.LEVELS`."""
REMEDY = "Copy the whole model folder of one run, or train anew."


def check_bundle(folder: str | Path) -> None:
    """Raise InputError unless `folder` holds a whole model bundle that this version can read.

    Every file has to be the one that the manifest was written for, the calibration of the very weights that lie beside
    it, and sizes and values have to agree (`check_content`).
    """
    folder = Path(folder)
    with reading(folder):
        missing = [name for name in BUNDLE_FILES if not (folder / name).is_file()]
        if missing and missing != [MANIFEST]:
            raise InputError(
                f"{folder}: the model bundle lacks {', '.join(missing)}. Name (model.bundle) or copy the whole model "
                "folder of a finished run."
            )
        check_format(folder / "config.json")
        if missing:
            raise InputError(
                f"{folder}: the model bundle lacks {MANIFEST}: it was not finished, or is of an earlier version. Run "
                "this version where it was trained, and copy the whole model folder."
            )
        found = {name: checksum(folder / name) for name in CONTENT_FILES}
    _check_calibrated(folder, found["weights.safetensors"])
    manifest = read_manifest(folder)
    changed = [name for name in CONTENT_FILES if manifest["files"][name]["sha256"] != found[name]]
    if changed:
        raise InputError(
            f"{folder}: {', '.join(changed)}: not as {MANIFEST} has it: damaged, changed, or of another run. {REMEDY}"
        )
    if check_content(folder) != {name: manifest[name] for name in SIZES}:
        raise InputError(f"{folder / MANIFEST}: its {', '.join(SIZES)} are not those of config.json. {REMEDY}")


def check_format(config: str | Path) -> None:
    """Raise InputError unless the bundle's config.json has this version's format."""
    content = read_json(config)
    if content.get("format") != FORMAT:
        provenance = content.get("provenance")
        version = provenance.get("workflow_version") if isinstance(provenance, dict) else None
        raise InputError(
            f"{config}: the bundle has format {content.get('format')} by version {version}; this version reads format "
            f"{FORMAT}. Train the model anew."
        )


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest: `files` (sha256 and size by name) and the sizes `SIZES`."""
    path = Path(folder) / MANIFEST
    manifest = read_json(path)
    files = manifest.get("files")
    entries = [files.get(name) for name in CONTENT_FILES] if isinstance(files, dict) else [None]
    if not all(isinstance(entry, dict) and "sha256" in entry for entry in entries):
        raise InputError(f"{path}: it does not list the files of a bundle with their checksums. {REMEDY}")
    if not all(name in manifest for name in SIZES):
        raise InputError(f"{path}: it lacks one of {', '.join(SIZES)}. {REMEDY}")
    return manifest


def check_content(folder: Path) -> dict[str, int]:
    """Raise InputError unless the JSON files and tensors of a bundle agree; returns its `SIZES`."""
    model = model_settings(folder / "config.json")
    n_genes, n_labels = model["n_genes"], model["n_labels"]
    _check_shapes(folder / "weights.safetensors", _tensors_of(network_name(folder / "config.json"), model))
    tables = dict.fromkeys(("weight", "detection", "level"), (n_genes, n_labels))
    _check_shapes(folder / "profiles.safetensors", {**tables, "bias": (n_labels,), "deviation": (n_genes,)})
    labels = confusion_labels(folder / "metrics.json")
    if len(labels) != n_labels:
        raise InputError(f"{folder / 'metrics.json'}: {len(labels)} labels, the model has {n_labels}. {REMEDY}")
    _check_calibration(folder / "calibration.json", labels)
    _check_stability(folder / "calibration.json", model["n_slots"])
    _check_positional(folder / "positional.json")
    return {name: model[name] for name in SIZES}


def model_settings(config: str | Path) -> dict[str, Any]:
    """The sizes of the network (fields of its config) in the bundle's config.json."""
    settings, model = MODEL_SETTINGS[network_name(config)], read_json(config).get("model")
    if not isinstance(model, dict) or set(model) != set(settings):
        raise InputError(f"{config}: `model` has not the keys {', '.join(settings)}. {REMEDY}")
    for name, kind in settings.items():
        value = model[name]
        good = _is_number(value) if kind is float else type(value) is kind
        if not good or (kind is int and not 1 <= value <= MAX_SIZE):
            raise InputError(f"{config}: `model` has {name}: {value!r}, which no model has. {REMEDY}")
    parts, broadcast = model.get("n_heads", model["n_slots"]), model.get("broadcast", "cls")
    if model["d_model"] % parts or broadcast not in ("cells", "cls"):
        raise InputError(f"{config}: `model` has d_model, n_heads, n_slots or broadcast that no model has. {REMEDY}")
    return model


def network_name(config: str | Path) -> str:
    """Which network the bundle's config.json describes: a key of `MODEL_SETTINGS`."""
    name = read_json(config).get("network")
    if not isinstance(name, str) or name not in MODEL_SETTINGS:
        raise InputError(f"{config}: `network` is none of {', '.join(MODEL_SETTINGS)}. {REMEDY}")
    return name


def _tensors_of(network: str, model: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of tensors that tell most of a network's sizes; `bundle.bundle_content` knows them all."""
    n_genes, n_labels, width, n_slots = (model[name] for name in ("n_genes", "n_labels", "d_model", "n_slots"))
    if network == "additive":
        return {"gene.weight": (n_genes, width // n_slots), "vote": (n_slots, n_labels, width // n_slots)}
    return {"embedding.gene.weight": (n_genes, width), "head.weight": (n_labels, width)}


def confusion_labels(metrics: str | Path) -> list[str]:
    """The labels of the confusion matrix in metrics.json: all of them, in the order of the model."""
    confusion = read_json(metrics).get("confusion")
    confusion = confusion if isinstance(confusion, dict) else {}
    labels = confusion.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise InputError(f"{metrics}: `confusion` has no labels. {REMEDY}")
    counts = confusion.get("counts")
    square = isinstance(counts, list) and [_are_numbers(row, len(labels)) for row in counts] == [True] * len(labels)
    if not square:
        raise InputError(f"{metrics}: `confusion` has not a count for each pair of labels. {REMEDY}")
    return labels


def _check_calibrated(folder: Path, weights: str) -> None:
    if read_json(folder / "calibration.json").get("weights_sha256") != weights:
        raise InputError(
            f"{folder}: calibration.json: it was fitted to other weights than weights.safetensors. Copy the whole "
            "model folder of one run, or calibrate anew."
        )


def _check_shapes(path: Path, expected: Mapping[str, tuple[int, ...]]) -> None:
    found = tensor_shapes(path)
    for name, shape in expected.items():
        if found.get(name) != shape:
            raise InputError(f"{path}: {name} has the shape {found.get(name)}, the model {shape}. {REMEDY}")


def _check_calibration(path: Path, labels: list[str]) -> None:
    """Raise InputError unless calibration.json has weights of the ensemble, a detector and limits of label sets."""
    content = read_json(path)
    ood = content.get("ood")
    if not (_are_numbers(content.get("mix"), 1) or _are_numbers(content.get("mix"), 3)):
        raise InputError(f"{path}: `mix` has not the weights of one classifier or of three. {REMEDY}")
    if not isinstance(ood, dict) or set(ood) != {"location", "scale", "null"}:
        raise InputError(f"{path}: `ood` has not the keys location, scale and null. {REMEDY}")
    if not (_are_numbers(ood["location"], OOD_COMPONENTS) and _are_numbers(ood["scale"], OOD_COMPONENTS)):
        raise InputError(f"{path}: location and scale of `ood` are not {OOD_COMPONENTS} numbers each. {REMEDY}")
    if min(ood["scale"]) <= 0:
        raise InputError(f"{path}: `ood` has a scale of no spread. {REMEDY}")
    _check_null(path, ood["null"], len(labels))
    limits = content.get("label_sets")
    if not (isinstance(limits, list) and [_are_numbers(row, len(labels)) for row in limits] == [True] * COVERAGES):
        raise InputError(f"{path}: `label_sets` is no table of {COVERAGES} rows of {len(labels)} numbers. {REMEDY}")


def _check_stability(path: Path, n_slots: int) -> None:
    """Raise InputError unless calibration.json has a share for each slot, or null for a network without any."""
    stability = read_json(path).get("slot_stability", "missing")
    if stability is not None and not (_are_numbers(stability, n_slots) and 0 <= min(stability) <= max(stability) <= 1):
        raise InputError(f"{path}: `slot_stability` has not a share for each of the {n_slots} slots. {REMEDY}")


def _check_null(path: Path, null: Any, n_labels: int) -> None:
    """Raise InputError unless the null of the OOD score has the sizes and values of one (`ood.null.Null`)."""
    if not isinstance(null, dict) or set(null) != {"centre", "spread", "pooled_spread", "tail", "n_cells"}:
        raise InputError(f"{path}: the null of `ood` lacks centre, spread, pooled_spread, tail or n_cells. {REMEDY}")
    tables = {"centre": (NULL_SIZES, n_labels), "spread": (NULL_SIZES, n_labels), "tail": (n_labels, TAIL_LEVELS)}
    for name, (n_rows, n_columns) in tables.items():
        table = null[name]
        rows = table if isinstance(table, list) else []
        if len(rows) != n_rows or not all(_are_numbers(row, n_columns) for row in rows):
            raise InputError(f"{path}: {name} of `ood` is no table of {n_rows} rows of {n_columns} numbers. {REMEDY}")
    pooled = null["pooled_spread"]
    if not _are_numbers(pooled, NULL_SIZES) or min(map(min, [pooled, *null["spread"]])) <= 0:
        raise InputError(f"{path}: the null of `ood` has a scale of no spread. {REMEDY}")
    if not _are_numbers(null["n_cells"], n_labels) or min(null["n_cells"]) < 0:
        raise InputError(f"{path}: the null of `ood` has no number of cells for every label. {REMEDY}")
    if any(row != sorted(row) for row in null["tail"]):
        raise InputError(f"{path}: a tail of `ood` is not ascending. {REMEDY}")


def _check_positional(path: Path) -> None:
    """Raise InputError unless positional.json is a null distribution (`positional.null_distribution`)."""
    null = read_json(path)
    values: list[Any] = [null.get(name) for name in ("start", "scale", "n_groups")]
    if not _are_numbers(values) or min(values[:2]) <= 0 or values[2] < 0:
        raise InputError(f"{path}: start, scale and n_groups are not those of a distribution. {REMEDY}")


def _is_number(value: Any) -> bool:
    return (type(value) is float and isfinite(value)) or (type(value) is int and abs(value) < 2**53)


def _are_numbers(values: Any, length: int | None = None) -> bool:
    return isinstance(values, list) and all(map(_is_number, values)) and length in (None, len(values))
