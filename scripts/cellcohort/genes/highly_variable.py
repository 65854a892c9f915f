"""Highly variable genes as Seurat v3 finds them, streamed: two passes over the cells, never the whole matrix."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from scipy import sparse

from ..inputs.counts import Counts

_SMALLEST_BATCH = 50


def standardised_variance(counts: Counts, rows: np.ndarray, batches: np.ndarray | None = None) -> np.ndarray:
    """Variance of each gene after the trend of variance on mean is divided out.

    As `scanpy.pp.highly_variable_genes(flavor="seurat_v3")`: log10 variance is fitted to log10 mean by loess (span 0.3,
    degree 2), values are clipped at sqrt(cells) of the fitted standard deviations, the variance of the standardised
    values is taken. Values that are normalised already are no counts: their log1p is used in the same way, so the trend
    is that of log expression.

    Parameters
    ----------
    rows
        Sorted row numbers.
    batches
        Batch of each of `rows`; batches of fewer than 50 cells are pooled.

    Returns
    -------
    (batches, genes) float64, 0 for genes that are constant in a batch.
    """
    codes = _codes(batches, rows.size)
    n_cells = np.bincount(codes)
    scale = np.log1p if "normalised" in counts.kind else None
    mean, variance = _moments(counts, rows, codes, scale)
    fitted = np.stack([_trend(m, v) for m, v in zip(mean, variance, strict=True)])
    limit = fitted * np.sqrt(n_cells)[:, None] + mean
    total, squares = np.zeros_like(mean), np.zeros_like(mean)
    for chunk, code in _chunks(counts, rows, codes, scale):
        cell = np.repeat(code, np.diff(chunk.indptr))
        chunk.data = np.minimum(chunk.data, limit[cell, chunk.indices])
        total += _sum_by_batch(chunk, code, len(n_cells))
        chunk.data **= 2
        squares += _sum_by_batch(chunk, code, len(n_cells))
    n_cells = n_cells[:, None]
    return (n_cells * mean**2 + squares - 2 * total * mean) / ((n_cells - 1) * fitted**2)


def rank_genes(variance: np.ndarray, n_genes: int, names: np.ndarray) -> np.ndarray:
    """Gene numbers from the most variable on: median rank over the batches where a gene is among the first `n_genes`.

    Ties go to the gene that is variable in more batches and then by name, so the file's order of genes does not
    matter. Genes that are constant everywhere are left out.
    """
    order = np.lexsort((np.broadcast_to(names, variance.shape), -variance), axis=1)
    ranks = np.empty(variance.shape)
    np.put_along_axis(ranks, order, np.arange(variance.shape[1], dtype=float)[None, :], axis=1)
    ranks[ranks >= n_genes] = np.nan
    n_batches = np.isfinite(ranks).sum(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        median = np.nan_to_num(np.nanmedian(ranks, axis=0), nan=np.inf)
    ranked = np.lexsort((names, -n_batches, median))
    return ranked[variance.max(axis=0)[ranked] > 0]


def _codes(batches: np.ndarray | None, n_cells: int) -> np.ndarray:
    """Batches numbered by name, those of too few cells as one batch; a single cell that is left joins the largest."""
    if batches is None:
        return np.zeros(n_cells, dtype=np.int64)
    _, codes, sizes = np.unique(np.asarray(batches, dtype=str), return_inverse=True, return_counts=True)
    codes = np.where(sizes[codes] < _SMALLEST_BATCH, -1, codes)
    if (codes == -1).sum() == 1:
        codes[codes == -1] = sizes.argmax()
    return np.unique(codes, return_inverse=True)[1]


def _chunks(
    counts: Counts, rows: np.ndarray, codes: np.ndarray, scale: Callable[[np.ndarray], np.ndarray] | None
) -> Iterator[tuple[sparse.csr_matrix, np.ndarray]]:
    for part, chunk in counts.chunks(rows):
        chunk = chunk.astype(np.float64)
        if scale is not None:
            chunk.data = scale(chunk.data)
        yield chunk, codes[np.searchsorted(rows, part)]


def _sum_by_batch(chunk: sparse.csr_matrix, code: np.ndarray, n_batches: int) -> np.ndarray:
    cells = np.arange(code.size)
    member = sparse.csr_matrix((np.ones(code.size), (code, cells)), shape=(n_batches, code.size))
    return (member @ chunk).toarray()


def _moments(
    counts: Counts, rows: np.ndarray, codes: np.ndarray, scale: Callable[[np.ndarray], np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (n - 1) of each gene in each batch."""
    n_cells = np.bincount(codes)
    total = np.zeros((n_cells.size, counts.n_genes))
    squares = np.zeros_like(total)
    for chunk, code in _chunks(counts, rows, codes, scale):
        total += _sum_by_batch(chunk, code, n_cells.size)
        chunk.data **= 2
        squares += _sum_by_batch(chunk, code, n_cells.size)
    n_cells = n_cells[:, None]
    mean = total / n_cells
    return mean, np.maximum((squares - n_cells * mean**2) / np.maximum(n_cells - 1, 1), 0)


def _trend(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """The standard deviation that a gene's mean leads one to expect; 1 for constant genes."""
    fitted = np.zeros(mean.size)
    varies = variance > 0
    x, y = np.log10(mean[varies]), np.log10(variance[varies])
    if x.size:
        fitted[varies] = _smooth(x, y)
    return np.sqrt(10**fitted)


def _smooth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Loess of y on x, with a wider span where genes are too few or tied for span 0.3, at last a parabola."""
    from skmisc.loess import loess

    for span in (0.3, 0.6, 0.9) if np.unique(x).size >= 50 else ():
        try:
            model = loess(x, y, span=span, degree=2)
            model.fit()
        except ValueError:
            continue
        return model.outputs.fitted_values
    degree = min(2, np.unique(x).size - 1)
    return np.polyval(np.polyfit(x, y, degree), x)
