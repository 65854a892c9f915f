"""Initial gene embedding: principal axes of the reference's own gene co-expression, no outside data."""

from __future__ import annotations

import numpy as np
import torch

from .token_store import TokenStore

N_COMPONENTS = 100
CHUNK_CELLS = 4096


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
    number of cells.
    """
    values, vectors = np.linalg.eigh(_correlation(store, rows, n_genes))
    n = min(n_axes, n_genes)
    loadings = vectors[:, -n:] * np.sqrt(np.maximum(values[-n:], 0))
    return loadings * np.where(loadings.sum(0) < 0, -1.0, 1.0)  # the sign of an eigenvector is arbitrary: fix it


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
