"""Out-of-distribution cells: a score from the representation and the logits, and a conformal p-value for it.

Two views fail in different places: a missing type often lies far from every reference cell though its logits are
confident, or near them with low evidence. The score is the sum of both, each in units of held-out reference cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from sklearn.neighbors import NearestNeighbors

N_NEIGHBOURS = 10
MIN_CALIBRATION = 100  # held-out cells of a label, below which its p-values come from all labels together
MAX_CALIBRATION = 5_000  # scores kept for a label


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

    def distance(self, vectors: np.ndarray) -> np.ndarray:
        """Mean distance to the nearest training cells, shape (n,)."""
        return self.search.kneighbors(_unit(vectors))[0].mean(1)

    def origin(self, vectors: np.ndarray) -> np.ndarray:
        """The label of most of the nearest training cells, ties to the first in the alphabet, shape (n,)."""
        names, codes = np.unique(self.labels, return_inverse=True)
        nearest = codes[self.search.kneighbors(_unit(vectors))[1]] if len(vectors) else np.empty((0, 1), int)
        votes = (nearest[:, :, None] == np.arange(len(names))).sum(1)
        return names[votes.argmax(1)]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


@dataclass(frozen=True)
class Detector:
    """Scores cells against the reference; `location` and `scale` are those of held-out reference cells.

    Attributes
    ----------
    location, scale
        Median and robust deviation of the two views (distance, free energy), shape (2,).
    calibration
        Ascending scores of held-out reference cells for each label, and for all of them under "".
    """

    location: tuple[float, ...]
    scale: tuple[float, ...]
    calibration: dict[str, list[float]]

    def score(self, neighbours: Neighbours, vectors: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Higher is stranger; depends on the cell and the model alone. Shape (n,)."""
        return ((_views(neighbours, vectors, logits) - self.location) / self.scale).sum(1)

    def pvalue(self, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Share of held-out reference cells of the same predicted label that are at least as strange (conformal)."""
        pvalues = np.empty(len(scores))
        for label in np.unique(labels):
            known = np.array(self.calibration.get(label, self.calibration[""]))
            cells = labels == label
            stranger = len(known) - np.searchsorted(known, scores[cells], side="left")
            pvalues[cells] = (1 + stranger) / (1 + len(known))
        return pvalues


def fit_detector(neighbours: Neighbours, vectors: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> Detector:
    """Calibrate the score on held-out reference cells.

    Parameters
    ----------
    vectors, logits
        Of the held-out cells, shapes (n, d) and (n, n_labels).
    labels
        Their predicted labels, shape (n,): the condition under which a p-value is asked for.
    """
    views = _views(neighbours, vectors, logits)
    location = np.median(views, 0)
    scale = np.maximum(1.4826 * np.median(np.abs(views - location), 0), 1e-6)
    scores = ((views - location) / scale).sum(1)
    calibration = {"": _summary(scores)}
    for label in np.unique(labels):
        if (labels == label).sum() >= MIN_CALIBRATION:
            calibration[str(label)] = _summary(scores[labels == label])
    return Detector(tuple(location.tolist()), tuple(scale.tolist()), calibration)


def _views(neighbours: Neighbours, vectors: np.ndarray, logits: np.ndarray) -> np.ndarray:
    if not len(vectors):
        return np.empty((0, 2))
    return np.column_stack([neighbours.distance(vectors), -logsumexp(logits, axis=1)])


def _summary(scores: np.ndarray) -> list[float]:
    """Ascending scores, thinned to quantiles when they are many."""
    if len(scores) > MAX_CALIBRATION:
        scores = np.quantile(scores, np.linspace(0, 1, MAX_CALIBRATION))
    return np.sort(scores).tolist()
