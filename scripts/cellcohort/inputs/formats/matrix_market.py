"""MatrixMarket text (matrix.mtx), plain or gzip, streamed as entries."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

import numpy as np

from ...core.errors import DamagedFileError, InputError, reading
from ..stores.backed_matrix import Triplets

BLOCK = 16_000_000
"""Bytes of text that are read at a time."""
_LONGEST = 1_000_000
"""Bytes of the longest line that is read."""
_FIELDS = ("integer", "real", "double", "unsigned-integer")


@dataclass(frozen=True)
class Market:
    """What a MatrixMarket file says of itself, and the number of its lines that lie before its entries."""

    path: Path
    n_rows: int
    n_columns: int
    n_entries: int
    n_lines: int


def open_bytes(path: Path) -> IO[bytes]:
    """A file, decompressed if it is gzip, whatever its name says."""
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    return io.BufferedReader(gzip.open(path), _LONGEST) if is_gzip else path.open("rb")


def open_market(path: Path) -> Market:
    """Read the lines before the entries; InputError for what is no coordinate matrix of numbers."""
    with reading(path), open_bytes(path) as file:
        _check_banner(path, _text(file.readline(_LONGEST)))
        for number in count(2):
            line = file.readline(_LONGEST)
            if not line:
                break
            if _text(line) and not line.startswith(b"%"):
                return Market(path, *_sizes(_text(line)), n_lines=number)
    raise InputError(f"{path}: it has no line of sizes. The file is cut off; copy it again.")


def _text(line: bytes) -> str:
    return line.decode("utf-8-sig", "replace").strip()


def _check_banner(path: Path, line: str) -> None:
    words = line.lower().split()
    if words[:2] != ["%%matrixmarket", "matrix"] or len(words) != 5:
        raise InputError(
            f"{path}: it is not MatrixMarket text: its first line is {line[:60]!r} instead of '%%MatrixMarket matrix "
            "coordinate integer general'. Give the matrix.mtx that the counting program wrote, or write it again."
        )
    layout, field, symmetry = words[2:]
    if layout != "coordinate":
        problem = f"it is a dense matrix ({layout})"
    elif field == "pattern":
        problem = "its entries have no values (pattern)"
    elif field not in _FIELDS:
        problem = f"its values are {field}"
    elif symmetry != "general":
        problem = f"it is {symmetry}, as counts of genes in cells never are"
    else:
        return
    raise InputError(f"{path}: {problem}. Write the counts again as 'coordinate integer general'.")


def _sizes(line: str) -> tuple[int, int, int]:
    """Rows, columns and entries, as the line of sizes says; R writes 100,000 as 1e+05."""
    sizes = [float(size) for size in line.split() if re.fullmatch(r"\d{1,18}(\.\d*)?(e\+?\d\d?)?", size, re.IGNORECASE)]
    if len(sizes) != 3 or len(line.split()) != 3 or not all(size.is_integer() for size in sizes):
        raise DamagedFileError(f"the line of sizes is {line[:60]!r}")
    n_rows, n_columns, n_entries = map(int, sizes)
    if n_entries > n_rows * n_columns:
        raise DamagedFileError(f"it has {n_entries} entries for {n_rows} x {n_columns} places, says the line of sizes")
    return n_rows, n_columns, n_entries


def market_entries(market: Market, *, cells_in_rows: bool = False) -> Iterator[Triplets]:
    """The entries as (cell, gene, value), block by block; cells are columns unless `cells_in_rows`."""
    n_read = 0
    with reading(market.path):
        for block in _ahead(_blocks(market)):
            row, column, value = _entries(block)
            n_read += row.size
            _check_places(market, row, column)
            if n_read > market.n_entries:
                raise DamagedFileError(f"it has more entries than the {market.n_entries} of its line of sizes")
            yield (row - 1, column - 1, value) if cells_in_rows else (column - 1, row - 1, value)
    if n_read < market.n_entries:
        raise InputError(
            f"{market.path}: {n_read} entries instead of {market.n_entries}. The file is cut off; copy it again."
        )


def _blocks(market: Market) -> Iterator[bytes]:
    """Whole lines after the line of sizes, in blocks of bounded size."""
    with open_bytes(market.path) as file:
        for _ in range(market.n_lines):
            file.readline(_LONGEST)
        while block := file.read(BLOCK):
            rest = file.readline(_LONGEST)
            if len(rest) == _LONGEST:
                raise DamagedFileError(f"a line has more than {_LONGEST} characters")
            yield block + rest


def _ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks, of which the next is decompressed while one is used."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = thread.submit(next, blocks, None)
            yield block


def _check_places(market: Market, row: np.ndarray, column: np.ndarray) -> None:
    for places, size, what in ((row, market.n_rows, "row"), (column, market.n_columns, "column")):
        if places.size and not 1 <= places.min() <= places.max() <= size:
            wrong = places[(places < 1) | (places > size)][0]
            raise DamagedFileError(f"an entry lies in {what} {wrong}, but they are numbered from 1 to {size}")


def _entries(block: bytes) -> Triplets:
    """Rows, columns (both from 1) and values of lines: at once where one blank or tab separates them, or by numpy."""
    import pyarrow as pa
    from pyarrow import csv

    types = {"row": "int32", "column": "int32", "value": "float32"}
    delimiter = "\t" if b"\t" in block[: block.find(b"\n")] else " "
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(column_names=list(types), block_size=BLOCK // 4),
            csv.ParseOptions(delimiter=delimiter, quote_char=False),
            csv.ConvertOptions(column_types=types, null_values=[]),
        )
    except pa.ArrowInvalid:
        return _any_entries(block)
    row, column, value = (column.to_numpy() for column in table.columns)
    return row, column, value


def _any_entries(block: bytes) -> Triplets:
    """`_entries` for numbers in columns, places such as 1e+05, comments and blank lines between."""
    lines = (line for line in block.splitlines() if line.strip() and not line.lstrip().startswith(b"%"))
    try:
        table = np.loadtxt(lines, dtype=np.float64, ndmin=2, comments=None)
    except ValueError:
        raise DamagedFileError(_first_odd(block)) from None
    if table.size and (table.shape[1] != 3 or not np.isfinite(table[:, :2]).all()):
        raise DamagedFileError(_first_odd(block))
    places = table[:, :2]
    if (places != np.rint(places)).any():
        raise DamagedFileError("a row or column number is no whole number")
    row, column = np.clip(places, -1, np.iinfo(np.int32).max).astype(np.int32).T
    return row, column, table[:, 2].astype(np.float32)


def _first_odd(block: bytes) -> str:
    """Which of some lines is not three numbers."""
    number = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|[+-]?inf(inity)?", re.IGNORECASE)
    for line in block.splitlines():
        words = line.split()
        if words and not line.lstrip().startswith(b"%") and (len(words) != 3 or not all(map(number.fullmatch, words))):
            return f"the line {_text(line)[:60]!r} is not the row, column and value of an entry"
    return "a line is not the row, column and value of an entry"
