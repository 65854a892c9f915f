"""Neighbourhoods of a sample's cells in its own principal components, over which OOD scores are averaged.

Cells of one population share what sets them apart from the reference, while the noise of their scores is their own: the
mean over a cell and its neighbours keeps the first and loses the second. Neighbours are exact up to `LARGEST_BLOCK`
cells and sought within blocks beyond. Nothing here depends on threads; cells in the same order give the same result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

MOST = 10  # cells of a neighbourhood, itself included
N_AXES = 20
CELLS_PER_AXIS = 5
LARGEST_BLOCK = 60_000


@dataclass(frozen=True)
class Axes:
    """Principal components of a sample; `components` has the shape (n_genes, n_axes)."""

    components: np.ndarray

    def project(self, scaled_bins: sparse.csr_matrix) -> np.ndarray:
        """Coordinates (n, n_axes), float32, of cells with `scaled_bins` (n, n_genes), each on its own."""
        return (scaled_bins @ self.components).astype(np.float32)


def fit_axes(scaled_bins: sparse.csr_matrix) -> Axes:
    """The axes of most variance among n cells with `scaled_bins` (n, n_genes): 20, fewer in less than 100 cells."""
    n_axes = min(N_AXES, scaled_bins.shape[0] // CELLS_PER_AXIS, min(scaled_bins.shape) - 1)
    if n_axes < 1 or (scaled_bins.max(0) != scaled_bins.min(0)).nnz == 0:
        return Axes(np.zeros((scaled_bins.shape[1], 1), np.float32))
    pca = PCA(n_axes, svd_solver="arpack", random_state=0).fit(scaled_bins.astype(np.float64))
    return Axes(np.ascontiguousarray(pca.components_.T, np.float32))


def n_averaged(n_cells: int) -> int:
    """Cells of a neighbourhood in a sample of `n_cells`: half the square root, 1 to `MOST`."""
    return int(np.clip(round(np.sqrt(n_cells) / 2), 1, MOST))


def nearest(coordinates: np.ndarray, k: int) -> np.ndarray:
    """Each cell's k nearest, itself included, nearest first, shape (n, k); the cells over again where n < k.

    Parameters
    ----------
    coordinates
        Shape (n, n_axes).
    """
    found = np.empty((len(coordinates), k), np.int32)
    for block in _blocks(coordinates, np.arange(len(coordinates))):
        some = min(k, len(block))
        search = NearestNeighbors(n_neighbors=some, algorithm="brute").fit(coordinates[block])
        places = search.kneighbors(coordinates[block], return_distance=False)
        found[block] = block[places[:, np.arange(k) % some]]
    return found


def averaged(values: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Mean of the `values` (n,) or (n, c) over each cell's `neighbours` (n, k)."""
    return sum(values[column] for column in neighbours.T) / neighbours.shape[1]


def nearest_in_groups(scaled_bins: sparse.csr_matrix, groups: np.ndarray) -> np.ndarray:
    """Each cell's `MOST` nearest among the cells of its group, each group with its own axes, shape (n, MOST).

    Parameters
    ----------
    scaled_bins
        Shape (n, n_genes).
    groups
        Number of the group of each cell, shape (n,).
    """
    found = np.empty((len(groups), MOST), np.int32)
    for group in np.unique(groups):
        cells = np.flatnonzero(groups == group)
        bins = scaled_bins[cells]
        found[cells] = cells[nearest(fit_axes(bins).project(bins), MOST)]
    return found


def _blocks(coordinates: np.ndarray, cells: np.ndarray) -> list[np.ndarray]:
    """The cells in blocks of at most `LARGEST_BLOCK`, halved again and again across the axis of most variance."""
    if not len(cells):
        return []
    if len(cells) <= LARGEST_BLOCK:
        return [cells]
    own = coordinates[cells]
    order = cells[np.argsort(own[:, own.var(0).argmax()], kind="stable")]
    halves = np.array_split(order, 2)
    return [block for half in halves for block in _blocks(coordinates, np.sort(half))]
