"""Read the sample sheet, and say in one line what is wrong with it."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ..core.errors import InputError, reading
from .config import explain, nearest
from .formats.tenx_names import file_sets
from .table_text import table_text
from .user_paths import check_exists, folders_of

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_REPEATED = re.compile(r"(.+)\1{19}$")  # snakemake.io.PeriodicityDetector


def read_sheet(path: str | Path, schema: dict[str, Any], *, files: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Read the sample sheet.

    Parameters
    ----------
    path
        Tab-separated text with a header line. Lines without a tab that start with # are comments; columns without a
        name and content are ignored.
    schema
        JSON schema of one line: its properties are the columns.
    files
        The config files, to point out a sheet that lies beside one of them.

    Returns
    -------
    One dictionary a sample, in the order of the sheet, numbers and booleans converted; empty cells are absent keys.

    Raises
    ------
    InputError
        With the line and column of the first thing that is wrong.
    """
    (first, header), *lines = _read_lines(Path(path), folders_of(files))
    header[0] = header[0].lstrip("# ")
    while header and not header[-1]:  # left behind by a spreadsheet
        header.pop()
    _check_header(f"{path}: line {first}", header, schema)
    validator = Draft202012Validator(schema)
    rows = [_read_row(f"{path}: line {number}", header, cells, validator) for number, cells in lines]
    _check_names(path, [number for number, _ in lines], rows)
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
    with reading(folder):
        sets = file_sets(folder)
    return [str(file) for files in sets.values() for file in files.values()]


def _read_lines(path: Path, near: Iterable[str]) -> list[tuple[int, list[str]]]:
    """The lines with their numbers, the header first; blank ones and comments left out."""
    lines = [
        (number, [_cell(cell, f"{path}: line {number}") for cell in line.split("\t")])
        for number, line in enumerate(io.StringIO(_text(path, near), newline=None), 1)
        if "\t" in line or not line.startswith("#")
    ]
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if len(lines) < 2:
        raise InputError(f"{path}: no samples. Write a header line and one line a sample.")
    return lines


def _text(path: Path, near: Iterable[str]) -> str:
    """The sheet's text."""
    wanted = "Set samples in the config to a tab-separated file"
    check_exists(str(path), "config: samples", near=near, missing=f"{path}: sample sheet not found. {wanted}")
    if path.is_dir():
        raise InputError(f"{path}: it is a folder. {wanted}.")
    with reading(path), path.open("rb") as file:
        start = file.read(4096)  # of a matrix that was taken for the sheet, not gigabytes
        content = start if b"\0" in start else start + file.read()
    return table_text(path, content)


def _cell(text: str, place: str) -> str:
    """A cell without the blanks and quotes that a spreadsheet puts around it."""
    text = text.strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted is None and text.startswith('"') and text.count('"') % 2:
        raise InputError(f"{place}: a quote is not closed. Remove it, and tabs and line breaks within cells.")
    return quoted[1].replace('""', '"').strip() if quoted else text


def _check_header(place: str, header: list[str], schema: dict[str, Any]) -> None:
    known = list(schema["properties"])
    if len(header) == 1:
        raise InputError(f"{place}: one column only. Separate the columns by tabs.")
    for column in filter(None, header):
        if column not in known:
            raise InputError(f"{place}, column {column!r}: unknown column. {nearest(column, known)}")
        if header.count(column) > 1:
            raise InputError(f"{place}, column {column}: twice in the header. Remove one of them.")
    for column in schema["required"]:
        if column not in header:
            text = schema["properties"][column]["description"]
            raise InputError(f"{place}: column {column} is missing. Add it: {text}")


def _read_row(place: str, header: list[str], cells: list[str], validator: Draft202012Validator) -> dict[str, Any]:
    """A line by column; InputError for what the schema forbids, and for a cell that belongs to no column."""
    extra = [number for number, cell in enumerate(cells, 1) if cell and not (header[number - 1 : number] or [""])[0]]
    if extra and extra[0] > len(header):
        raise InputError(f"{place}: {extra[-1]} cells, but the header has {len(header)}. Remove the extra tabs.")
    if extra:
        raise InputError(f"{place}: cell {extra[0]} lies in a column without a name. Name the column, or remove it.")
    columns = validator.schema["properties"]
    row = {column: _convert(cell, columns[column]["type"]) for column, cell in zip(header, cells, strict=False) if cell}
    for error in validator.iter_errors(row):
        column, problem = explain(error, validator.schema)
        raise InputError(f"{place}, column {column[0]}: {problem}")
    return row


def _convert(cell: str, kind: str) -> str | int | float | bool:
    """A cell's text as the type that the schema asks for, or unchanged for the schema to refuse."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(cell.lower(), cell)
    if kind in ("integer", "number") and _NUMBER.fullmatch(cell):
        number = float(cell)
        if math.isfinite(number):
            return int(cell) if cell.lstrip("+-").isdecimal() else number
    return cell


def _check_names(path: str | Path, numbers: list[int], rows: list[dict[str, Any]]) -> None:
    """Raise InputError for a name that cannot be told from another one, or that Snakemake refuses."""
    samples: dict[str, tuple[str, int]] = {}
    patients: dict[str, tuple[str, int]] = {}
    for number, row in zip(numbers, rows, strict=True):
        for column, known in (("sample_id", samples), ("patient_id", patients)):
            name, place = row[column], f"{path}: line {number}, column {column}"
            other, line = known.setdefault(name.lower(), (name, number))
            if other != name:
                raise InputError(
                    f"{place}: {name} differs from {other} in line {line} by capitals alone, and some file systems "
                    "take both for one. Give them names of their own, or write them alike."
                )
            if column == "sample_id" and line != number:
                raise InputError(
                    f"{place}: {name} is there already in line {line}. Give each sample a name of its own."
                )
            if _REPEATED.search(name):
                raise InputError(
                    f"{place}: {name} ends in 20 repeats of the same letters, which Snakemake refuses as an endless "
                    "loop. Give another name."
                )
