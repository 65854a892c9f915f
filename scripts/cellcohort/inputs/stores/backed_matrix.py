"""Matrices that stay on disk, read by ranges of rows: compressed by row, dense, or compressed by column."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from ...core.errors import DamagedFileError
from .stored_chunks import check_whole
from .stored_elements import array, dtype, length, member, shape

BLOCK = 8_000_000
"""Matrix entries held in memory at a time while a matrix is rearranged or a dense one is read."""


Triplets = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Row numbers, column numbers and values of matrix entries."""


class Rows(Protocol):
    """A cells x genes matrix that can read a range of its rows."""

    shape: tuple[int, int]

    def read(self, start: int, stop: int) -> sparse.csr_matrix:
        """Rows `start` to `stop` as float32."""


class SparseRows:
    """CSR on disk: a group with `indptr`, `indices` and `data` (a 10x .h5 stores cells x genes so, too)."""

    def __init__(self, group: Any, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._group = group

    @cached_property
    def _indptr(self) -> np.ndarray:
        return _pointers(self._group, *self.shape)

    def read(self, start: int, stop: int) -> sparse.csr_matrix:
        """Rows `start` to `stop` as float32."""
        first, last = int(self._indptr[start]), int(self._indptr[stop])
        data = array(member(self._group, "data"), slice(first, last)).astype(np.float32, copy=False)
        indices = array(member(self._group, "indices"), slice(first, last))
        if indices.size and (indices.max() >= self.shape[1] or indices.min() < 0):
            raise DamagedFileError(f"a column index lies outside the matrix of {self.shape[1]} columns")
        indptr = self._indptr[start : stop + 1] - first
        return sparse.csr_matrix((data, indices, indptr), shape=(stop - start, self.shape[1]))


class DenseRows:
    """A dense array on disk, read in pieces of bounded size."""

    def __init__(self, array: Any) -> None:
        sizes = shape(array)
        if sizes is None or len(sizes) != 2:
            raise DamagedFileError(f"a matrix has 2 dimensions, not {len(sizes or ())}")
        _check_kind(array, "iuf", "the matrix")
        self.shape = (sizes[0], sizes[1])
        self._array = array

    @cached_property
    def _whole_array(self) -> Any:
        check_whole(self._array, "the matrix")
        return self._array

    def read(self, start: int, stop: int) -> sparse.csr_matrix:
        """Rows `start` to `stop` as float32."""
        step = max(1, BLOCK // max(1, self.shape[1]))
        edges = [*range(start, stop, step), stop]
        blocks = (array(self._whole_array, slice(low, high)) for low, high in pairwise(edges))
        pieces = [sparse.csr_matrix(block.astype(np.float32, copy=False)) for block in blocks]
        return sparse.vstack(pieces, format="csr") if pieces else sparse.csr_matrix((0, self.shape[1]), dtype="f4")


class RearrangedRows:
    """A matrix whose entries come in another order (CSC, MatrixMarket text), sorted into bands of rows on disk.

    The first read passes once over `entries` and writes each into the band of its row in an unnamed temporary file (12
    bytes an entry, in the folder that TMPDIR names). Memory is bounded by a band and by the blocks that `entries`
    yields, whatever the size of the matrix.
    """

    _ENTRY = np.dtype([("row", "i4"), ("column", "i4"), ("value", "f4")])

    def __init__(self, entries: Callable[[], Iterable[Triplets]], shape: tuple[int, int], n_entries: int) -> None:
        self.shape = shape
        self._entries = entries
        self._height = max(1, int(shape[0] / max(1, n_entries / BLOCK)))
        self._loaded: tuple[int, sparse.csr_matrix] | None = None

    @cached_property
    def _bands(self) -> tuple[Any, list[list[tuple[int, int]]]]:
        """The temporary file and, for each band, the (offset, length) of its pieces in entries."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the matrix)
        pieces: list[list[tuple[int, int]]] = [[] for _ in range(self.shape[0] // self._height + 1)]
        written = 0
        for rows, columns, values in self._entries():
            if rows.size and (min(rows.min(), columns.min()) < 0 or rows.max() >= self.shape[0]):
                raise DamagedFileError(f"an entry lies outside the matrix of {self.shape[0]} cells")
            band = rows // self._height
            order = np.argsort(band, kind="stable")
            block = np.empty(rows.size, self._ENTRY)
            block["row"], block["column"], block["value"] = rows[order], columns[order], values[order]
            block.tofile(file)
            ends = np.searchsorted(band[order], np.arange(len(pieces) + 1))
            for number in np.flatnonzero(np.diff(ends)):
                pieces[number].append((written + int(ends[number]), int(ends[number + 1] - ends[number])))
            written += rows.size
        return file, pieces

    def _band(self, number: int) -> sparse.csr_matrix:
        if self._loaded is None or self._loaded[0] != number:
            file, pieces = self._bands
            first = number * self._height
            height = min(self._height, self.shape[0] - first)
            block = np.empty(sum(length for _, length in pieces[number]), self._ENTRY)
            filled = 0
            for offset, length in pieces[number]:
                file.seek(offset * self._ENTRY.itemsize)
                block[filled : filled + length] = np.fromfile(file, self._ENTRY, length)
                filled += length
            place = (block["row"] - first, block["column"])
            band = sparse.csr_matrix((block["value"], place), shape=(height, self.shape[1]))
            self._loaded = (number, band)
        return self._loaded[1]

    def first_values(self) -> np.ndarray:
        """The values (n,) of the first block of entries, without rearranging any."""
        for _, _, values in self._entries():
            return values
        return np.empty(0, np.float32)

    def read(self, start: int, stop: int) -> sparse.csr_matrix:
        """Rows `start` to `stop` as float32."""
        pieces = [sparse.csr_matrix((0, self.shape[1]), dtype=np.float32)]
        while start < stop:
            number, offset = divmod(start, self._height)
            end = min(stop, (number + 1) * self._height)
            pieces.append(self._band(number)[offset : offset + end - start])
            start = end
        return sparse.vstack(pieces, format="csr")


def column_entries(group: Any, shape: tuple[int, int]) -> Iterator[Triplets]:
    """The entries of CSC on disk, block by block."""
    n_cells, n_genes = shape
    indptr = _pointers(group, n_genes, n_cells)
    for start in range(0, int(indptr[-1]), BLOCK):
        stop = min(start + BLOCK, int(indptr[-1]))
        lengths: np.ndarray = np.diff(np.clip(indptr, start, stop))
        columns = np.repeat(np.arange(lengths.size, dtype=np.int32), lengths)
        block = slice(start, stop)
        values = array(member(group, "data"), block).astype(np.float32, copy=False)
        yield array(member(group, "indices"), block), columns, values


def _pointers(group: Any, n_lines: int, width: int) -> np.ndarray:
    """Where each of `n_lines` rows (or columns) of at most `width` entries starts, and the end: `indptr`, int64.

    Raises
    ------
    DamagedFileError
        Unless data, indices and indptr are whole, of numbers, and agree: what reads them by these places would give
        entries of another row, or none, or memory that is not its own.
    """
    data, indices, indptr = parts = [member(group, name) for name in ("data", "indices", "indptr")]
    sizes = [length(part) for part in parts]
    if sizes[0] != sizes[1] or sizes[2] != n_lines + 1:
        raise DamagedFileError(
            f"{sizes[0]} values, {sizes[1]} indices and {sizes[2]} starts do not fit {n_lines} lines"
        )
    _check_kind(data, "iuf", "data")
    for part, name in ((indices, "indices"), (indptr, "indptr")):
        _check_kind(part, "iu", name)
    if sizes[0]:  # without entries indptr is zeros alone, which Zarr does not write
        for part, name in zip(parts, ("data", "indices", "indptr"), strict=True):
            check_whole(part, name)
    starts = array(indptr).astype(np.int64)
    widths = np.diff(starts)
    if starts[0] != 0 or starts[-1] != sizes[0] or (widths.size and not 0 <= widths.min() <= widths.max() <= width):
        raise DamagedFileError(
            f"indptr goes from {starts[0]} to {starts[-1]} in steps of {widths.min(initial=0)} to "
            f"{widths.max(initial=0)}; it must go from 0 to {sizes[0]}, the number of values, in steps of 0 to {width}"
        )
    return starts


def _check_kind(stored: Any, kinds: str, name: str) -> None:
    """Raise DamagedFileError unless `stored` holds numbers of numpy's `kinds`."""
    if dtype(stored).kind not in kinds:
        raise DamagedFileError(f"{name} holds {dtype(stored)}, not {'numbers' if 'f' in kinds else 'integers'}")
