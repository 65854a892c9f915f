"""A sample's matrix of cells x genes, opened lazily and streamed by rows, whatever file it lies in."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..core.errors import InputError, reading
from . import value_kind
from .formats.any_format import open_container
from .formats.container import Container
from .formats.coordinates import read_coordinates
from .formats.value_range import kind_by_range
from .obs_columns import column_names, stripped
from .stores.backed_matrix import RearrangedRows
from .stores.text_columns import text_column

log = logging.getLogger(__name__)
_LOOKED_AT = (64, 64)
"""Blocks of cells, and cells of a block, from which the kind of values is told."""


class Counts:
    """Cells x genes on disk; made by `open_counts`.

    Attributes
    ----------
    path
        The file or folder.
    genes
        Table with `symbol` and `gene_id` (no version; None when unknown), index 0..n_genes-1. Features that the file
        declares as other than gene expression (antibodies) are left out.
    n_cells, n_genes
        The matrix' size.
    n_other_features
        Features that are left out.
    notes
        What was unusual about the file, and how it was read.
    """

    def __init__(self, path: Path, container: Container) -> None:
        self.path = path
        self.genes = container.genes
        self.n_cells = container.matrix.shape[0]
        self.n_genes = len(container.genes)
        self.n_other_features = int((~container.keep).sum())
        self.notes = container.notes
        self._container = container

    @cached_property
    def cell_ids(self) -> np.ndarray:
        """The file's obs names, unchanged, as an array of str; InputError when one occurs twice."""
        with reading(self.path):
            ids = pd.Index(self._container.cell_ids())
        if len(ids) != self.n_cells:
            raise InputError(f"{self.path}: {self.n_cells} rows for {len(ids)} obs names. Repair the file.")
        if ids.has_duplicates:
            name = ids[ids.duplicated()][0]
            raise InputError(f"{self.path}: obs names: {name!r} occurs more than once. Make the names unique.")
        return ids.to_numpy(dtype=object)

    @property
    def has_table(self) -> bool:
        """Whether the file has a table of cells: AnnData has, 10x files have not."""
        return self._container.obs is not None

    @cached_property
    def obs_columns(self) -> list[str]:
        """The names of the columns of the file's table of cells; none for 10x files."""
        with reading(self.path):
            return column_names(self._container.obs) if self.has_table else []

    def obs_column(self, name: str) -> np.ndarray:
        """A column of the file's table of cells as text (n_cells,), without blanks around it, empty where missing."""
        with reading(self.path):
            return stripped(text_column(self._container.obs, name))

    @cached_property
    def spatial(self) -> np.ndarray | None:
        """Coordinates of the cells, obsm["spatial"], as (n_cells, 2 or more) float64; None where there are none.

        What cannot be coordinates is left out with a warning: the sample is as good without.
        """
        try:
            with reading(self.path):
                if self._container.spatial is None:
                    return None
                places = read_coordinates(self._container.spatial)
        except InputError as error:
            log.warning('obsm["spatial"] is left out: %s', error)
            return None
        if places.ndim != 2 or places.shape[1] < 2 or len(places) != self.n_cells:
            shape = f"{self.path}: its shape is {places.shape} for {self.n_cells} cells"
            log.warning('obsm["spatial"] is left out: %s', shape)
            return None
        return places

    @cached_property
    def value_kind(self) -> value_kind.ValueKind:
        """The kind of values, told from up to 4,096 cells that are spread evenly over the file."""
        try:
            return value_kind.detect(self.some_cells(), self.genes["symbol"].tolist())
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None

    def some_cells(self) -> sparse.csr_matrix:
        """Up to 4,096 cells that are spread evenly over the file, as stored."""
        n_blocks, width = _LOOKED_AT
        if self.n_cells <= n_blocks * width:
            return self._read(0, self.n_cells)
        starts = np.linspace(0, self.n_cells - width, n_blocks).astype(int)
        return sparse.vstack([self._read(int(start), int(start) + width) for start in starts], format="csr")

    @property
    def reads_cells(self) -> bool:
        """Whether some cells can be read alone; where not, the first read rearranges the whole matrix."""
        return not isinstance(self._container.matrix, RearrangedRows)

    def quick_kind(self) -> str:
        """As `kind`; where no cells can be read alone, by the range of the first values."""
        matrix = self._container.matrix
        if not isinstance(matrix, RearrangedRows):
            return self.kind
        with reading(self.path):
            values = matrix.first_values()
        try:
            return kind_by_range(values)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None

    @property
    def kind(self) -> str:
        """counts, expected counts (not integer), log-normalised or normalised; InputError for scaled values."""
        return self.value_kind.name

    def other_counts(self) -> list[str]:
        """The file's matrices that look like counts, where these values are normalised; none where they are not."""
        if self.kind not in (value_kind.LOG_NORMALISED, value_kind.NORMALISED):
            return []
        with reading(self.path):
            return self._container.other_counts()

    def counts_beside(self) -> str:
        """A note that the file holds counts elsewhere, where these values are normalised; empty where it does not."""
        others = self.other_counts()
        named = f"{' and '.join(others)} look{'' if len(others) > 1 else 's'} like counts"
        return (
            f"the values are {self.kind}, but {named}: to use them, name one by `counts` in the sheet" if others else ""
        )

    def chunks(
        self, rows: np.ndarray | None = None, size: int = 4096
    ) -> Iterator[tuple[np.ndarray, sparse.csr_matrix]]:
        """Stream the matrix (design law 3).

        Parameters
        ----------
        rows
            Sorted row numbers; all rows when None.
        size
            Rows of the file that are read at a time; a chunk holds those of them that are in `rows`.

        Yields
        ------
        The row numbers (n,) and their values (n, n_genes), float32 CSR with sorted indices and no stored zeros.
        Log-normalised values come on the linear scale, so that sums over genes mean something.

        Raises
        ------
        InputError
            When a value is negative, NaN or infinite.
        """
        rows = np.arange(self.n_cells) if rows is None else np.asarray(rows)
        edges = np.searchsorted(rows, np.arange(0, self.n_cells + size, size))
        for low, high in pairwise(edges):
            part = rows[low:high]
            if part.size:
                block = self._read(int(part[0]), int(part[-1]) + 1)
                if part.size < block.shape[0]:
                    block = block[part - part[0]]
                yield part, self._linear(block)

    def read(self, rows: np.ndarray | None = None) -> sparse.csr_matrix:
        """All of `rows` at once as `chunks` gives them, for callers that know that they are few."""
        empty = sparse.csr_matrix((0, self.n_genes), dtype=np.float32)
        return sparse.vstack([empty, *(chunk for _, chunk in self.chunks(rows))], format="csr")

    def _read(self, start: int, stop: int) -> sparse.csr_matrix:
        with reading(self.path):
            block = self._container.matrix.read(start, stop)
        return block if self._container.keep.all() else block[:, self._container.keep]

    def _linear(self, block: sparse.csr_matrix) -> sparse.csr_matrix:
        try:
            value_kind.check_values(block.data)
            block.data = self.value_kind.linear(block.data)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None
        block.sum_duplicates()
        block.eliminate_zeros()
        return block


def open_counts(path: str | Path, *, counts: str = "X", genes: str = "index", species: str = "human") -> Counts:
    """Open a sample without reading its matrix.

    Parameters
    ----------
    path
        .h5ad or .zarr of AnnData (CSR, CSC or dense), a 10x .h5 (version 3 or 2) or a 10x matrix folder. CSC and
        MatrixMarket text are sorted by cell into a temporary file of 12 bytes an entry when first read.
    counts
        Which matrix: X, raw or layers/NAME.
    genes
        Where the genes' symbols or Ensembl ids are: index, or a column of var.
    species
        Whose genes count in a file that holds those of several genomes (xenografts).

    Raises
    ------
    InputError
        When there is no such file, matrix or column, or the file cannot be read.
    """
    path = Path(path)
    return Counts(path, open_container(path, counts=counts, genes=genes, species=species))


def open_sample(sample: Mapping[str, Any], path: str | Path) -> Counts:
    """Open the file of a row of the sample sheet, whose `counts`, `genes` and `species` may be absent."""
    given = {name: sample[name] for name in ("counts", "genes", "species") if sample.get(name)}
    return open_counts(path, **given)
