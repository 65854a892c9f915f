"""The tables beside a 10x matrix (barcodes.tsv, features.tsv, genes.tsv), as programs and people write them."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from ...core.errors import reading
from .matrix_market import open_bytes

_NAMES = (re.compile(r"ENS[A-Z]{0,6}G\d{11}.*"), re.compile(r".*[ACGTN]{8}.*"))
"""Ensembl ids and barcodes: what all lines but a header hold."""
_HEADINGS = re.compile(
    r"x|v\d|index|unnamed: 0|row[ ._]?names?|(var|obs)(_names)?|names?|ids?|ensg|ensembl[ ._]?(gene)?[ ._]?(ids?)?"
    r"|(hgnc[ ._]?|gene[ ._]?)?symbols?|genes?[ ._]?(ids?|(short[ ._]?)?names?)?|features?[ ._]?(ids?|names?|types?)?"
    r"|(cell[ ._]?)?barcodes?|cells?[ ._]?(ids?|names?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Table:
    """The lines of a table, split into fields without blanks and quotes around them."""

    path: Path
    lines: list[list[str]]

    def columns(self, size: int) -> list[np.ndarray] | None:
        """The columns of a table of `size` rows; None where the table has another number of rows.

        One line more than rows may be a header. Blank lines between are rows without a name where they count among
        `size`. A first column of row numbers is left out.
        """
        lines = self.lines if len(self.lines) in (size, size + 1) else list(filter(any, self.lines))
        body = lines[1:] if len(lines) == size + 1 and _is_header(lines) else lines
        return _columns(body) if len(body) == size else None


def read_table(path: Path) -> Table:
    """Read a table that is separated by tabs, commas, semicolons or, as R writes, by blanks between quoted fields."""
    with reading(path), io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig") as file:
        lines = [line.rstrip("\n") for line in file]
    while lines and not lines[-1].strip():
        lines.pop()
    separator = _separator(lines)
    return Table(path, [[field.strip().strip('"').strip() for field in line.split(separator)] for line in lines])


def _separator(lines: list[str]) -> str:
    if any("\t" in line for line in lines):
        return "\t"
    body = [line for line in lines[1:] if line.strip()]
    possible = (",", ";", '" "')
    return next((text for text in possible if body and all(text in line for line in body)), "\t")


def _is_header(lines: list[list[str]]) -> bool:
    """Whether the first line names the columns: by its words, or because all others are ids or barcodes."""
    first, body = lines[0], lines[1:]
    if any(_NAMES[0].fullmatch(text) for text in first):
        return False
    if any(map(_HEADINGS.fullmatch, first)):
        return True
    for name in _NAMES:
        if body and not any(map(name.fullmatch, first)) and all(any(map(name.fullmatch, line)) for line in body):
            return True
    return False


def _columns(lines: list[list[str]]) -> list[np.ndarray]:
    columns = [np.array(column, dtype=object) for column in zip_longest(*lines, fillvalue="")]
    if not columns:
        return [np.empty(0, dtype=object)]
    if len(columns) > 1 and any(
        [*map(str, range(start, start + len(lines)))] == columns[0].tolist() for start in (0, 1)
    ):
        return columns[1:]
    return columns
