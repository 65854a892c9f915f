"""Sample sheet, reference and bundle: read and checked before any job, with nothing heavy imported."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import ModuleType
from typing import Any

from jsonschema import Draft202012Validator

from .bundle_files import BUNDLE_FILES as BUNDLE_FILES
from .bundle_files import check_bundle
from .errors import InputError
from .gene_sets import read_gene_sets
from .settings import explain, nearest

_MATRIX_FILES = ("matrix.mtx", "barcodes.tsv", "features.tsv", "genes.tsv")


def read_sheet(path: str | Path, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the sample sheet.

    Parameters
    ----------
    path
        Tab-separated text with a header line.
    schema
        JSON schema of one line: its properties are the columns.

    Returns
    -------
    One dictionary a sample, in the order of the sheet, numbers and booleans converted; empty cells are absent keys.

    Raises
    ------
    InputError
        With the line and column of the first thing that is wrong.
    """
    header, lines = _read_lines(Path(path))
    _check_header(path, header, schema)
    validator = Draft202012Validator(schema)
    rows = [_read_row(path, number, header, cells, validator) for number, cells in lines]
    _check_unique(path, [number for number, _ in lines], rows)
    return rows


def samples_by_patient(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The sample ids of each patient, in the order of the sheet."""
    patients: dict[str, list[str]] = {}
    for row in rows:
        patients.setdefault(row["patient_id"], []).append(row["sample_id"])
    return patients


def matrix_files(path: str | Path) -> list[str]:
    """The files of a 10x matrix folder; none for any other format."""
    folder = Path(path)
    if folder.suffix in (".h5ad", ".h5", ".zarr") or not folder.is_dir():
        return []
    names = (folder / f"{name}{suffix}" for name in _MATRIX_FILES for suffix in ("", ".gz"))
    return [str(name) for name in names if name.is_file()]


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
        from . import obs
    except ModuleNotFoundError as error:
        raise InputError(
            f"Python packages: {error.name} is missing, and the plan looks into the data files. Install {error.name} "
            "beside Snakemake."
        ) from None
    return obs


def _read_lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header and the other lines with their numbers, blank ones left out."""
    if not path.is_file():
        raise InputError(f"{path}: sample sheet not found. Set samples in the config to a tab-separated file.")
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    if len(lines) < 2:
        raise InputError(f"{path}: no samples. Write a header line and one line a sample.")
    return lines[0][1], lines[1:]


def _text(path: Path) -> str:
    """The sheet's text; UTF-16 shows by its zero bytes when it has no mark."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"{path}: it is not UTF-8 text. Save it as UTF-8 (tab-separated).")
    return text


def _check_header(path: str | Path, header: list[str], schema: dict[str, Any]) -> None:
    known = list(schema["properties"])
    if len(header) == 1:
        raise InputError(f"{path}: line 1: one column only. Separate the columns by tabs.")
    for column in header:
        if column not in known:
            raise InputError(f"{path}: line 1, column {column!r}: unknown column. {nearest(column, known)}")
        if header.count(column) > 1:
            raise InputError(f"{path}: line 1, column {column}: twice in the header. Remove one of them.")
    for column in schema["required"]:
        if column not in header:
            text = schema["properties"][column]["description"]
            raise InputError(f"{path}: line 1: column {column} is missing. Add it: {text}")


def _read_row(
    path: str | Path, number: int, header: list[str], cells: list[str], validator: Draft202012Validator
) -> dict[str, Any]:
    if len(cells) > len(header):
        raise InputError(
            f"{path}: line {number}: {len(cells)} cells, but the header has {len(header)}. Remove the extra tabs."
        )
    columns = validator.schema["properties"]
    row = {column: _convert(cell, columns[column]["type"]) for column, cell in zip(header, cells, strict=False) if cell}
    for error in validator.iter_errors(row):
        place, problem = explain(error, validator.schema)
        raise InputError(f"{path}: line {number}, column {place[0]}: {problem}")
    return row


def _convert(cell: str, kind: str) -> str | int | float | bool:
    """A cell's text as the type that the schema asks for, or unchanged for the schema to refuse."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(cell.lower(), cell)
    if kind in ("integer", "number"):
        for number in (int, float):
            try:
                return number(cell)
            except ValueError:
                continue
    return cell


def _check_unique(path: str | Path, numbers: list[int], rows: list[dict[str, Any]]) -> None:
    seen: dict[str, int] = {}
    for number, row in zip(numbers, rows, strict=True):
        sample = row["sample_id"]
        if sample in seen:
            raise InputError(
                f"{path}: line {number}, column sample_id: {sample} is there already in line {seen[sample]}. "
                "Give each sample a name of its own."
            )
        seen[sample] = number


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
