"""Initial gene embedding: principal axes of the reference's own gene co-expression, no outside data."""

from __future__ import annotations

import numpy as np
import torch

from .network import ModelConfig
from .token_store import TokenStore

N_COMPONENTS = 100
CHUNK_CELLS = 4096


def gene_embedding(store: TokenStore, rows: np.ndarray, config: ModelConfig, *, seed: int) -> torch.Tensor:
    """Initial gene embedding, shape (n_genes, d_model), mean square 1.

    The leading principal axes of the genes' z-scored bins over the cells `rows`, turned by a random rotation into the
    model's width. Memory is bounded by genes x genes, whatever the number of cells.
    """
    values, vectors = np.linalg.eigh(_correlation(store, rows, config.n_genes))
    n = min(N_COMPONENTS, config.n_genes, config.d_model)
    loadings = vectors[:, -n:] * np.sqrt(np.maximum(values[-n:], 0))
    loadings *= np.where(loadings.sum(0) < 0, -1.0, 1.0)  # the sign of an eigenvector is arbitrary: fix it
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((config.d_model, n)))
    embedding = loadings @ rotation.T
    embedding *= np.sqrt(embedding.size / max((embedding**2).sum(), 1e-12))
    return torch.from_numpy(embedding.astype(np.float32))


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
