"""Probe-level matrices of 10x (Flex, Visium FFPE), whose probes are summed to genes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from ..stores.backed_matrix import Rows


class SummedColumns:
    """A matrix whose columns are summed to fewer.

    Parameters
    ----------
    target
        The new column of each column, -1 where it is left out.
    """

    def __init__(self, matrix: Rows, target: np.ndarray) -> None:
        self.shape = (matrix.shape[0], int(target.max(initial=-1)) + 1)
        self._matrix = matrix
        used = np.flatnonzero(target >= 0)
        self._map = sparse.csr_matrix(
            (np.ones(used.size, np.float32), (used, target[used])), shape=(target.size, self.shape[1])
        )

    def read(self, start: int, stop: int) -> sparse.csr_matrix:
        """Rows `start` to `stop` as float32."""
        return (self._matrix.read(start, stop) @ self._map).tocsr()


def genes_of_probes(gene_ids: np.ndarray, in_use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the genes of probes.

    Parameters
    ----------
    gene_ids
        (probes,) The gene of each; those of probes that are not in use begin with DEPRECATED.
    in_use
        (probes,) False for probes that the counting program left out, too.

    Returns
    -------
    The gene's number of each probe, -1 for those left out, and the first probe of each gene.
    """
    used = in_use & ~pd.Series(gene_ids, dtype=object).str.startswith("DEPRECATED").to_numpy(bool)
    numbers, _ = pd.factorize(gene_ids[used])
    target = np.full(gene_ids.size, -1)
    target[used] = numbers
    _, first = np.unique(numbers, return_index=True)
    return target, np.flatnonzero(used)[first]
