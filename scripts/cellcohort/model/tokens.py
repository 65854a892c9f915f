"""Tokenisation: cells as sequences of (gene, expression bin), bins cut at quantiles of the cell's own values.

A cell is the sequence of its expressed vocabulary genes. The expression of a gene enters as a bin: the cell's nonzero
values are cut at quantiles of that cell's own nonzero values, so that a strictly monotone transform of a cell's
values changes nothing but interpolation at ties (the published `bin_scale`, CellMemory, Genome Biology 26:178, 2025).
Beside the bin stands the level, which keeps the magnitude: the log of the gene's share of the cell. Models of the
published package may have been trained on its other binning, `bin_norm`, by the values themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numba
import numpy as np
import scipy.sparse as sp
from scipy import sparse

N_BINS = 50
SHARE_UNIT, LEVEL_UNIT = 1e4, 5.0  # a level is log1p(counts per 10,000) / 5, so that most lie in 0..1 as scaled bins do


@dataclass(frozen=True)
class Tokens:
    """Ragged tokens of n cells: cell i holds positions `indptr[i]:indptr[i + 1]` of the other arrays.

    Attributes
    ----------
    indptr
        int64, shape (n + 1,).
    genes
        uint16, token ids in the order of the vocabulary within each cell.
    bins
        uint8, 1 (lowest expressed) to `n_bins`.
    levels
        float16, log1p of the gene's counts per 10,000 of the cell's vocabulary genes, over `LEVEL_UNIT`.
    """

    indptr: np.ndarray
    genes: np.ndarray
    bins: np.ndarray
    levels: np.ndarray

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each cell."""
        return np.diff(self.indptr)

    def take(self, rows: np.ndarray) -> Tokens:
        """The tokens of `rows`, in that order."""
        lengths = self.lengths[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        positions = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Tokens(indptr, self.genes[positions], self.bins[positions], self.levels[positions])

    def drop(self, keep: np.ndarray) -> Tokens:
        """The tokens at which the boolean `keep` is true; the number of cells stays."""
        kept = np.concatenate([[0], np.cumsum(keep)])
        return Tokens(kept[self.indptr], self.genes[keep], self.bins[keep], self.levels[keep])

    def with_silent(self, measured: np.ndarray) -> Tokens:
        """Every measured gene (ascending token ids) as a token of every cell, those not expressed with bin 0."""
        n = len(measured)
        where = np.repeat(np.arange(len(self)), self.lengths), np.searchsorted(measured, self.genes)
        bins, levels = np.zeros((len(self), n), np.uint8), np.zeros((len(self), n), np.float16)
        bins[where], levels[where] = self.bins, self.levels
        genes = np.tile(measured.astype(np.uint16), len(self))
        return Tokens(np.arange(len(self) + 1, dtype=np.int64) * n, genes, bins.ravel(), levels.ravel())

    def of_genes(self, measured: np.ndarray, n_genes: int, *, n_bins: int, by_value: bool = False) -> Tokens:
        """The tokens that the cells would have had if only the `measured` genes (token ids) had been measured."""
        kept = self.drop(np.isin(self.genes, measured))
        shares = np.expm1(kept.levels.astype(np.float32) * LEVEL_UNIT)
        if by_value:  # no gene's bin depends on another gene
            return replace(kept, levels=log_levels(kept.indptr, shares))
        return tokenise(_by_gene(kept, shares, n_genes), n_bins=n_bins)

    def pad(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Genes, bins (int64) and mask (bool, true on tokens) of `rows`, each of shape (n, longest)."""
        mask, positions = self._padding(rows)
        genes, bins = np.zeros(mask.shape, np.int64), np.zeros(mask.shape, np.int64)
        genes[mask], bins[mask] = self.genes[positions], self.bins[positions]
        return genes, bins, mask

    def pad_levels(self, rows: np.ndarray) -> np.ndarray:
        """Levels of `rows`, float32, in the shape of `pad`; 0 on padding."""
        mask, positions = self._padding(rows)
        levels = np.zeros(mask.shape, np.float32)
        levels[mask] = self.levels[positions]
        return levels

    def _padding(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lengths = self.lengths[rows]
        columns = np.arange(lengths.max(initial=0))
        mask = columns < lengths[:, None]
        return mask, (self.indptr[rows][:, None] + columns)[mask]


def tokenise(
    counts: sp.csr_matrix, *, n_bins: int = N_BINS, max_tokens: int | None = None, by_value: bool = False
) -> Tokens:
    """Bin and pack cells.

    Parameters
    ----------
    counts
        Non-negative expression, shape (cells, vocabulary), aligned to the vocabulary. Explicit zeros are no tokens.
    n_bins
        Number of quantile edges, hence of bins (at most 255).
    max_tokens
        Cells with more expressed genes keep their most expressed ones, ties by gene order.
    by_value
        Whether a bin is the log of one plus the value, rounded up, at most `n_bins` (the published `bin_norm`, whose
        values are log-normalised); `counts` are then per 10,000 of a cell (`per_10_000`).

    Returns
    -------
    Tokens whose bins equal `np.digitize(v, np.quantile(v, np.linspace(0, 1, n_bins)))` of each cell's nonzero v, or
    with `by_value` `np.minimum(np.ceil(np.log1p(v)), n_bins)`.
    """
    counts = sp.csr_matrix(counts, copy=not isinstance(counts, sp.csr_matrix))
    if not counts.has_sorted_indices or (counts.data == 0).any():
        counts = counts.copy()
        counts.eliminate_zeros()
        counts.sort_indices()
    indptr = counts.indptr.astype(np.int64)
    values = counts.data.astype(np.float32, copy=False)
    if by_value:
        bins = np.minimum(np.ceil(np.log1p(values)), n_bins).astype(np.uint8)
    else:
        bins = np.empty(len(values), np.uint8)
        _bin_cells(indptr, values, np.linspace(0, 1, n_bins), bins)
    tokens = Tokens(indptr, counts.indices.astype(np.uint16), bins, log_levels(indptr, values))
    if max_tokens is None or tokens.lengths.max(initial=0) <= max_tokens:
        return tokens
    return tokens.drop(_most_expressed(indptr, values, max_tokens))


def per_10_000(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Counts of cells scaled so that each cell has 10,000."""
    totals = np.asarray(counts.sum(1, dtype=np.float64)).ravel()
    scale = np.repeat(SHARE_UNIT / np.maximum(totals, 1e-12), np.diff(counts.indptr))
    scaled = (counts.data * scale).astype(np.float32)
    return sp.csr_matrix((scaled, counts.indices, counts.indptr), shape=counts.shape)


def log_levels(indptr: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Levels (float16, as in `Tokens`) of positive `values` on the linear scale, cells divided by `indptr`."""
    lengths = np.diff(indptr)
    totals = np.zeros(len(lengths))
    totals[lengths > 0] = np.add.reduceat(values, indptr[:-1][lengths > 0], dtype=np.float64)
    scaled = values * np.repeat(SHARE_UNIT / np.maximum(totals, 1e-12), lengths)
    return (np.log1p(scaled) / LEVEL_UNIT).astype(np.float16)


@numba.njit(cache=True, nogil=True)
def _bin_cells(indptr, values, quantiles, bins):
    edges = np.empty(len(quantiles))
    for cell in range(len(indptr) - 1):
        start, stop = indptr[cell], indptr[cell + 1]
        if start == stop:
            continue
        ordered = np.sort(values[start:stop])
        last = stop - start - 1
        for k in range(len(quantiles)):
            position = last * quantiles[k]
            below = min(int(position), last)
            low, high = ordered[below], ordered[min(below + 1, last)]
            weight = position - below
            # numpy interpolates from the nearer end, which decides the last bit of an edge
            if weight < 0.5:
                edges[k] = low + np.float64(high - low) * weight
            else:
                edges[k] = high - np.float64(high - low) * (1 - weight)
        for i in range(start, stop):
            bins[i] = np.searchsorted(edges, np.float64(values[i]), side="right")


@numba.njit(cache=True, nogil=True)
def _most_expressed(indptr, values, limit):
    keep = np.ones(len(values), np.bool_)
    for cell in range(len(indptr) - 1):
        start, stop = indptr[cell], indptr[cell + 1]
        if stop - start > limit:
            order = np.argsort(-values[start:stop], kind="mergesort")
            keep[start + order[limit:]] = False
    return keep


def concatenate(parts: list[Tokens]) -> Tokens:
    """Several Tokens as one, cells in the order given."""
    lengths = np.concatenate([np.zeros(1, np.int64), *(part.lengths for part in parts)])
    genes = np.concatenate([np.empty(0, np.uint16), *(part.genes for part in parts)])
    bins = np.concatenate([np.empty(0, np.uint8), *(part.bins for part in parts)])
    levels = np.concatenate([np.empty(0, np.float16), *(part.levels for part in parts)])
    return Tokens(np.cumsum(lengths), genes, bins, levels)


def length_batches(lengths: np.ndarray, max_cells: int, max_tokens: int) -> Iterator[np.ndarray]:
    """Batches of similar length: cells sorted by length and cut where a padded batch would pass `max_tokens`."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        stop = start + 1
        while (
            stop < len(order) and stop - start < max_cells and (stop - start + 1) * lengths[order[stop]] <= max_tokens
        ):
            stop += 1
        yield order[start:stop]
        start = stop


def scale_bins(tokens: Tokens, n_genes: int, n_bins: int) -> sparse.csr_matrix:
    """Expression bins scaled to 0..1, shape (cells, n_genes); absent genes are 0."""
    return _by_gene(tokens, tokens.bins / np.float32(n_bins), n_genes)


def both_levels(tokens: Tokens, n_genes: int, n_bins: int) -> sparse.csr_matrix:
    """Scaled bins and beside them the levels, shape (cells, 2 * n_genes); absent genes are 0."""
    levels = _by_gene(tokens, tokens.levels.astype(np.float32), n_genes)
    return sparse.hstack([scale_bins(tokens, n_genes, n_bins), levels], format="csr")


def _by_gene(tokens: Tokens, values: np.ndarray, n_genes: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((values, tokens.genes.astype(np.int32), tokens.indptr), shape=(len(tokens), n_genes))
