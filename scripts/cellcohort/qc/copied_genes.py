"""Genes that a matrix holds twice: the same name with the same counts, which summed would count double."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from ..core.errors import InputError

_FEWEST_CELLS = 3
_MOST_COPIED = 0.01


class CopiedGenes:
    """Columns of the same name (and id) compared with the first of them, chunk by chunk."""

    def __init__(self, genes: pd.DataFrame) -> None:
        keys = genes["symbol"].astype(str).str.upper() + "\t" + genes["gene_id"].fillna("").astype(str)
        codes, _ = pd.factorize(keys)
        _, first = np.unique(codes, return_index=True)
        self._names = genes["symbol"].astype(str).to_numpy()
        self._copy = np.flatnonzero(first[codes] != np.arange(len(codes)))
        self._original = first[codes][self._copy]
        self._differs = np.zeros(self._copy.size, bool)
        self._n_cells = np.zeros(self._copy.size, np.int64)

    def add(self, chunk: sparse.csr_matrix) -> None:
        """Compare the columns in these cells."""
        if self._copy.size:
            copy = chunk[:, self._copy]
            self._n_cells += np.bincount(copy.indices, minlength=self._copy.size)
            self._differs[np.unique((copy != chunk[:, self._original]).indices)] = True

    def check(self, path: Path) -> None:
        """Raise InputError where more than a hundredth of the genes of the file at `path` are copies."""
        copies = self._copy[~self._differs & (self._n_cells >= _FEWEST_CELLS)]
        if copies.size > _MOST_COPIED * self._names.size:
            raise InputError(
                f"{path}: {copies.size} genes are there twice, with the same name and the same counts "
                f"({', '.join(self._names[copies[:3]])}). Remove the copies."
            )
