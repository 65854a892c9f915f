"""Read the sample sheet, and say in one line what is wrong with it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ..core.errors import InputError
from .config import explain, nearest

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
