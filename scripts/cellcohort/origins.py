"""The reference type that a cell lies nearest to in the model's representation (DESIGN, terms: origin)."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

N_NEIGHBOURS = 10


class Neighbours:
    """The nearest training cells by the cosine of their embeddings.

    Parameters
    ----------
    vectors
        Embeddings of the reference's training cells, shape (n, d).
    labels
        Their labels, shape (n,).
    """

    def __init__(self, vectors: np.ndarray, labels: np.ndarray):
        self.labels = labels
        self.search = NearestNeighbors(n_neighbors=min(N_NEIGHBOURS, len(vectors))).fit(_unit(vectors))

    def origin(self, vectors: np.ndarray) -> np.ndarray:
        """The label of most of the nearest training cells, ties to the first in the alphabet, shape (n,)."""
        names, codes = np.unique(self.labels, return_inverse=True)
        nearest = codes[self.search.kneighbors(_unit(vectors))[1]] if len(vectors) else np.empty((0, 1), int)
        votes = (nearest[:, :, None] == np.arange(len(names))).sum(1)
        return names[votes.argmax(1)]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
