"""Check samples, reference, bundle and tables of a config before any job, with nothing heavy imported."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from ..core.errors import InputError
from .bundle_files import check_bundle, confusion_labels
from .config import nearest
from .gene_sets import read_gene_sets
from .genome_files import check_genome
from .resources import resource_path
from .sample_sheet import matrix_files
from .user_paths import check_path, check_results, folders_of


def check_data(rows: list[dict[str, Any]], config: dict[str, Any], *, files: Iterable[str] = ()) -> None:
    """Raise InputError for the first sample, reference or bundle that cannot be used (`config` with its defaults).

    `files` are the config files, beside which a path may lie that was not found from the working directory.
    """
    near = folders_of(files)
    check_samples(rows, config["samples"], near=near)
    _check_panels(rows, config)
    check_tables(config, near=near)
    check_results(config["pathvars"]["results"])
    bundle = config["model"]["bundle"]
    if bundle:
        check_path(bundle, "config: model.bundle", near=near)
        check_bundle(bundle)
    else:
        check_reference(config["reference"], near=near)
    _check_normal_labels(config)


def _check_normal_labels(config: dict[str, Any]) -> None:
    """Raise InputError unless the labels of normal cells are labels of the model."""
    wanted, bundle, reference = config["cnv"]["normal_labels"], config["model"]["bundle"], config["reference"]
    if not wanted:
        return
    if bundle:
        labels = confusion_labels(Path(bundle) / "metrics.json")
    else:
        labels = sorted(_types(reference["path"], reference["label"], reference["exclude"]))
    for label in wanted:
        if label not in labels:
            raise InputError(f"config: cnv.normal_labels: {label!r} is no label. {nearest(label, labels)}")


def _check_panels(rows: list[dict[str, Any]], config: dict[str, Any]) -> None:
    """Raise InputError unless the panels of the vocabulary are samples of the sheet."""
    samples = [row["sample_id"] for row in rows]
    for name in config["vocabulary"]["panels"]:
        if name not in samples:
            raise InputError(
                f"config: vocabulary.panels: {name!r} is no sample of {config['samples']}. {nearest(name, samples)}"
            )


def check_samples(rows: list[dict[str, Any]], sheet: str | Path, *, near: Iterable[str] = ()) -> None:
    """Raise InputError unless each sample's path exists in a known format, once, and holds its truth column.

    A file that cannot be read is no error here: its own job rejects the sample, and the cohort goes on.
    """
    near = [*folders_of([sheet]), *near]
    samples: dict[str, str] = {}
    for row in rows:
        place, sample = f"{sheet}: sample {row['sample_id']}", row["sample_id"]
        _check_format(row["path"], f"{place}, column path", near)
        other = samples.setdefault(os.path.realpath(row["path"]), sample)
        if other != sample:
            raise InputError(
                f"{place}, column path: {row['path']} is the file of sample {other}, too, and its cells would count "
                "twice. Correct the path, or remove the line."
            )
        if "truth" in row and _obs().is_readable(row["path"]):
            _check_column(row["path"], row["truth"], f"{place}, column truth")


def check_tables(config: dict[str, Any], *, near: Iterable[str] = ()) -> None:
    """Raise InputError unless the user's own gene positions, chromosome arms and gene sets, if any, can be used."""
    for section, key in (("cnv", "positions"), ("cnv", "arms"), ("explain", "gene_sets")):
        path, place = config[section][key], f"config: {section}.{key}"
        if path is not None:
            check_path(path, place, near=near, remedy="Correct the path, or set it to null")
        if path is not None and not Path(path).is_file():
            raise InputError(f"{place}: {path} is a folder. Name the file, or set it to null.")
    if config["explain"]["gene_sets"] is not None:
        read_gene_sets(config["explain"]["gene_sets"])
    positions, arms, genome = (config["cnv"][key] for key in ("positions", "arms", "genome"))
    if positions is not None or arms is not None:
        check_genome(
            positions or resource_path(f"gene_positions_{genome}.tsv.gz"),
            arms or resource_path(f"chromosome_arms_{genome}.tsv"),
        )


def check_reference(reference: dict[str, Any], *, near: Iterable[str] = ()) -> None:
    """Raise InputError unless the reference exists and holds its columns of labels and at least two types."""
    path, label = reference["path"], reference["label"]
    _check_format(path, "config: reference.path", near)
    if not _obs().has_obs(path):
        raise InputError(f"config: reference.path: {path} holds no cell labels. Use .h5ad or .zarr.")
    _check_column(path, label, "config: reference.label")
    if reference["donor"] is not None:
        _check_column(path, reference["donor"], "config: reference.donor", " Set it to null when donors are unknown.")
    if reference["coarse"] is not None:
        _check_column(path, reference["coarse"], "config: reference.coarse", " Set it to null when there is none.")
    types = _types(path, label, reference["exclude"])
    if reference["coarse"] is not None:
        _check_coarse(path, label, reference["coarse"], types)
    if len(types) < 2:
        raise InputError(
            f"{path}: obs column {label} (reference.label): {len(types)} cell type(s), at least two are needed to "
            "learn a difference. Choose another column or reference."
        )


def _types(path: str, label: str, exclude: Collection[str]) -> set[str]:
    """The labels that name a type, without those to exclude, which have to be labels."""
    found = set(_obs().labels(path, label)) - {""}
    for name in exclude:
        if name not in found:
            raise InputError(f"config: reference.exclude: {name!r} is no label. {nearest(name, sorted(found))}")
    return _obs().types_among(found, exclude)


def _check_coarse(path: str, label: str, coarse: str, types: Collection[str]) -> None:
    """Raise InputError unless each of the `types` has one coarse type."""
    coarse_of: dict[str, str] = {}
    for of_label, of_coarse in _obs().distinct_pairs(path, label, coarse):
        if of_label in types and not (of_coarse and coarse_of.setdefault(of_label, of_coarse) == of_coarse):
            raise InputError(
                f"{path}: obs column {coarse} (reference.coarse): cells of {of_label!r} have several coarse types or "
                "none. Give every label exactly one, or set reference.coarse to null."
            )


def _obs() -> ModuleType:
    """The module that opens data files; not imported above, because linting has Snakemake's own packages alone."""
    try:
        from . import obs_columns
    except ModuleNotFoundError as error:
        raise InputError(
            f"Python packages: {error.name} is missing, and the plan looks into the data files. Install {error.name} "
            "beside Snakemake."
        ) from None
    return obs_columns


def _check_format(path: str, place: str, near: Iterable[str]) -> None:
    """Raise InputError unless `path` exists and its name tells a format that can be read."""
    check_path(path, place, near=near)
    if Path(path).suffix not in (".h5ad", ".h5", ".zarr") and not matrix_files(path):
        what = "is a folder without a 10x matrix" if Path(path).is_dir() else "is of no known format"
        raise InputError(f"{place}: {path} {what}. Use .h5ad, 10x .h5, a 10x matrix folder or .zarr.")


def _check_column(path: str, column: str, place: str, remedy: str = "") -> None:
    columns = _obs().columns(path)
    if column not in columns:
        raise InputError(f"{place}: {path} has no obs column {column!r}. {nearest(column, columns)}{remedy}")
