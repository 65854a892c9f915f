"""Check samples, reference, bundle and tables of a config before any job, with nothing heavy imported."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from ..core.errors import InputError
from .bundle_files import check_bundle
from .config import nearest
from .gene_sets import read_gene_sets
from .sample_sheet import matrix_files


def check_data(rows: list[dict[str, Any]], config: dict[str, Any]) -> None:
    """Raise InputError for the first sample, reference or bundle that cannot be used (`config` with its defaults)."""
    check_samples(rows, config["samples"])
    check_tables(config)
    if config["model"]["bundle"]:
        _check_braces(config["model"]["bundle"], "config: model.bundle")
        check_bundle(config["model"]["bundle"])
    else:
        check_reference(config["reference"])


def check_samples(rows: list[dict[str, Any]], sheet: str | Path) -> None:
    """Raise InputError unless each sample's path exists in a known format and holds its truth column.

    A file that cannot be read is no error here: its own job rejects the sample, and the cohort goes on.
    """
    for row in rows:
        place = f"{sheet}: sample {row['sample_id']}"
        _check_format(row["path"], f"{place}, column path")
        if "truth" in row and _obs().is_readable(row["path"]):
            _check_column(row["path"], row["truth"], f"{place}, column truth")


def check_tables(config: dict[str, Any]) -> None:
    """Raise InputError unless the user's own gene positions, chromosome arms and gene sets, if any, exist."""
    for section, key in (("cnv", "positions"), ("cnv", "arms"), ("explain", "gene_sets")):
        path = config[section][key]
        if path is not None:
            _check_braces(path, f"config: {section}.{key}")
        if path is not None and not Path(path).is_file():
            raise InputError(f"config: {section}.{key}: {path} does not exist. Correct the path, or set it to null.")
    if config["explain"]["gene_sets"] is not None:
        read_gene_sets(config["explain"]["gene_sets"])


def check_reference(reference: dict[str, Any]) -> None:
    """Raise InputError unless the reference exists and holds its label and donor columns and at least two types."""
    path, label, donor = reference["path"], reference["label"], reference["donor"]
    _check_format(path, "config: reference.path")
    if not _obs().has_obs(path):
        raise InputError(f"config: reference.path: {path} holds no cell labels. Use .h5ad or .zarr.")
    _check_column(path, label, "config: reference.label")
    if donor is not None:
        _check_column(path, donor, "config: reference.donor", " Set it to null when donors are unknown.")
    types = _obs().distinct(path, label)
    if len(types) < 2:
        raise InputError(
            f"{path}: obs column {label} (reference.label): {len(types)} cell type(s), at least two are needed to "
            "learn a difference. Choose another column or reference."
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


def _check_format(path: str, place: str) -> None:
    """Raise InputError unless `path` exists and its name tells a format that can be read."""
    _check_braces(path, place)
    where = Path(path)
    if not where.exists():
        raise InputError(f"{place}: {path} does not exist. Correct the path (relative paths start at {Path.cwd()}).")
    if where.suffix not in (".h5ad", ".h5", ".zarr") and not matrix_files(path):
        raise InputError(f"{place}: {path} is of no known format. Use .h5ad, 10x .h5, a 10x matrix folder or .zarr.")


def _check_braces(path: str, place: str) -> None:
    """Raise InputError for a path that Snakemake would take for one with wildcards."""
    if "{" in path or "}" in path:
        raise InputError(
            f"{place}: {path} holds a brace, which Snakemake reads as a wildcard. Rename the file or folder."
        )


def _check_column(path: str, column: str, place: str, remedy: str = "") -> None:
    columns = _obs().columns(path)
    if column not in columns:
        raise InputError(f"{place}: {path} has no obs column {column!r}. {nearest(column, columns)}{remedy}")
