"""Initial gene embedding: principal axes of the reference's own gene co-expression, no outside data."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from ..reference.splits import spread_sample
from .token_store import TokenStore
from .tokens import N_BINS, scale_bins

N_COMPONENTS = 100
CHUNK_CELLS = 4096
MAX_SQUARE = 4_000  # genes of which a square matrix is held
MAX_CELLS = 20_000


def gene_embedding(store: TokenStore, rows: np.ndarray, *, n_genes: int, width: int, seed: int) -> torch.Tensor:
    """Initial gene embedding, shape (n_genes, width), mean square 1.

    The leading axes of co-expression over the cells `rows`, turned by a random rotation into the model's width.
    """
    loadings = coexpression(store, rows, n_genes=n_genes, n_axes=min(N_COMPONENTS, width))
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, loadings.shape[1])))
    embedding = loadings @ rotation.T
    embedding *= np.sqrt(embedding.size / max((embedding**2).sum(), 1e-12))
    return torch.from_numpy(embedding.astype(np.float32))


def coexpression(store: TokenStore, rows: np.ndarray, *, n_genes: int, n_axes: int) -> np.ndarray:
    """Loadings of the genes on the leading principal axes of their z-scored bins over the cells `rows`.

    Shape (n_genes, at most n_axes), the last axis the leading one. Memory is bounded by genes x genes, whatever the
    number of cells; with more than `MAX_SQUARE` genes the axes are those of at most `MAX_CELLS` cells, rare labels
    spared, and memory is that of their tokens.
    """
    if n_genes > MAX_SQUARE:
        chosen = rows[spread_sample(store.cells.iloc[rows], limit=MAX_CELLS, seed=0)]
        loadings = leading_axes(scale_bins(store.read(chosen), n_genes, N_BINS), n_axes)
    else:
        values, vectors = np.linalg.eigh(_correlation(store, rows, n_genes))
        n = min(n_axes, n_genes)
        loadings = vectors[:, -n:] * np.sqrt(np.maximum(values[-n:], 0))
    return loadings * np.where(loadings.sum(0) < 0, -1.0, 1.0)  # the sign of an eigenvector is arbitrary: fix it


def leading_axes(scaled_bins: sparse.csr_matrix, n_axes: int) -> np.ndarray:
    """Loadings of the genes as `coexpression` gives them but for their sign, found without a square of genes."""
    n_cells, n_genes = scaled_bins.shape
    mean = np.asarray(scaled_bins.mean(0)).ravel()
    variance = np.asarray(scaled_bins.multiply(scaled_bins).mean(0)).ravel() - mean**2
    scale = 1 / np.sqrt(np.maximum(variance, 1e-8))

    def correlate(vector: np.ndarray) -> np.ndarray:
        scaled = scale * vector.ravel()
        return scale * (scaled_bins.T @ (scaled_bins @ scaled) / n_cells - mean * (mean @ scaled))

    first = np.random.default_rng(0).standard_normal(n_genes)
    correlation = LinearOperator((n_genes, n_genes), correlate, dtype=np.float64)
    values, vectors = eigsh(correlation, min(n_axes, n_genes - 1), v0=first, tol=1e-3)
    return vectors * np.sqrt(np.maximum(values, 0))


def _correlation(store: TokenStore, rows: np.ndarray, n_genes: int) -> np.ndarray:
    total, square = np.zeros(n_genes), np.zeros((n_genes, n_genes))
    for start in range(0, len(rows), CHUNK_CELLS):
        tokens = store.read(rows[start : start + CHUNK_CELLS])
        dense = np.zeros((len(tokens), n_genes), np.float32)
        dense[np.repeat(np.arange(len(tokens)), tokens.lengths), tokens.genes] = tokens.bins
        total += dense.sum(0)
        square += dense.T @ dense
    mean = total / len(rows)
    covariance = square / len(rows) - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-8))
    return covariance / np.outer(deviation, deviation)
