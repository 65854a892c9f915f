"""MatrixMarket text (matrix.mtx), plain or .gz, streamed as entries."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from ...core.errors import DamagedFileError, InputError, reading
from ..backed_matrix import Triplets


def open_text(path: Path) -> IO[str]:
    """A text file, plain or .gz."""
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


def market_header(path: Path) -> tuple[int, tuple[int, int, int]]:
    """Lines before the entries of a MatrixMarket file, and its (rows, columns, entries)."""
    with reading(path), open_text(path) as file:
        first = file.readline().split()
        if first[:3] != ["%%MatrixMarket", "matrix", "coordinate"] or first[3:] not in (
            ["integer", "general"],
            ["real", "general"],
        ):
            raise InputError(f"{path}: it is not a general coordinate MatrixMarket file. Write it again.")
        for number, line in enumerate(file, start=2):
            if not line.startswith("%"):
                return number, _sizes(line)
    raise InputError(f"{path}: it has no line of sizes. The file is cut off; copy it again.")


def _sizes(line: str) -> tuple[int, int, int]:
    """Rows, columns and entries, as the line of sizes says."""
    sizes = line.split()
    if len(sizes) != 3 or not all(size.isdecimal() for size in sizes):
        raise DamagedFileError(f"the line of sizes is {line.strip()!r}")
    n_genes, n_cells, n_entries = map(int, sizes)
    return n_genes, n_cells, n_entries


def market_entries(path: Path, n_skip: int, n_entries: int) -> Iterator[Triplets]:
    """The entries of a genes x cells MatrixMarket file as (cell, gene, value), block by block."""
    from pyarrow import csv

    types = {"gene": "int32", "cell": "int32", "value": "float32"}
    n_read = 0
    if n_entries:
        read = csv.ReadOptions(column_names=list(types), skip_rows=n_skip, block_size=16_000_000)
        convert = csv.ConvertOptions(column_types=types)
        for batch in _batches(lambda: csv.open_csv(path, read, csv.ParseOptions(delimiter=" "), convert)):
            gene, cell, value = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            n_read += batch.num_rows
            yield cell - 1, gene - 1, value
    if n_read != n_entries:
        raise InputError(f"{path}: {n_read} entries instead of {n_entries}. The file is cut off; copy it again.")


def _batches(open_reader: Callable[[], Any]) -> Iterator[Any]:
    """The batches of a reader of Arrow, whose errors are of the file's text."""
    import pyarrow as pa

    try:
        yield from open_reader()
    except pa.ArrowException as error:
        raise DamagedFileError(str(error)) from error
