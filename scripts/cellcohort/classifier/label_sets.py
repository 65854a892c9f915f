"""Label sets: the types that a cell may be, of which one is right with a stated coverage (conformal prediction).

A type is in a cell's set where its probability reaches the type's limit, below which lies the tenth of its held-out
cells that a coverage of 90 % may miss: sets as small as coverage allows (Sadinle, Lei and Wasserman, JASA 2019). Each
type has a limit of its own, so that coverage holds for each and does not depend on the composition of a sample, which
is another than the reference's. A type of few held-out cells is filled up with cells of all types (as in Ding et al.,
NeurIPS 2023). It holds for cells that are exchangeable with the held-out ones, of types that the reference has: another
platform or study can break it. Cells in which no type reaches its limit are a sign of that; their sets go by their
probabilities.
"""

from __future__ import annotations

import numpy as np

COVERAGES = (0.8, 0.85, 0.9, 0.95, 0.99)
"""For which limits are fitted, ascending."""
MISSED = 5
"""Held-out cells of a type that its limit leaves out at least; where these would be fewer, cells of all types help."""


def fit_limits(probability: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Least probability of each type with which it is in a cell's set, shape (len(COVERAGES), n_labels).

    Parameters
    ----------
    probability
        Of held-out cells by what was not fitted on them, shape (n, n_labels).
    targets
        Label number of each cell, shape (n,).
    """
    n, n_labels = probability.shape
    right = probability[np.arange(n), targets]
    order = np.argsort(right, kind="stable")
    right, targets = right[order], targets[order]
    limits = np.zeros((len(COVERAGES), n_labels))
    for label in range(n_labels):
        own = (targets == label).astype(float)
        for row, coverage in enumerate(COVERAGES):
            lacking = max(MISSED / (1 - coverage) - own.sum(), 0)
            limits[row, label] = _quantile(right, own + lacking / max(n, 1), 1 - coverage)
    return np.minimum.accumulate(limits)


def _quantile(ascending: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The value below which `share` of the weight lies at most, one more cell, the new one, taken to lie below all."""
    below, most = 1 + weights.cumsum() - weights, share * (1 + weights.sum())
    within = np.flatnonzero((below <= most + 1e-9) & (weights > 0))
    return float(ascending[within[-1]]) if len(within) else 0.0


def needed_coverage(probability: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Least of `COVERAGES` at which each type is in the set of each of n cells, shape (n, n_labels); infinite if none.

    The most probable type always is. A cell in which no type reaches its limit is unlike the held-out ones: its set has
    the types until their probabilities sum to the coverage.

    Parameters
    ----------
    probability
        Shape (n, n_labels).
    limits
        Of `fit_limits`.
    """
    needed = np.full(probability.shape, np.inf, np.float32)
    unlike = np.flatnonzero(~(probability >= limits[0]).any(1))
    before = more_probable(probability[unlike])
    for coverage, limit in zip(reversed(COVERAGES), limits[::-1], strict=True):
        inside = probability >= limit
        inside[unlike] |= ~inside[unlike].any(1, keepdims=True) & (before < coverage)
        needed[inside] = coverage
    needed[np.arange(len(probability)), probability.argmax(1)] = COVERAGES[0]
    return needed


def more_probable(probability: np.ndarray) -> np.ndarray:
    """Summed probability of the types that are more probable than each, shape (n, n_labels)."""
    order = np.argsort(-probability, axis=1, kind="stable")
    ranked = np.take_along_axis(probability, order, 1)
    before = np.empty_like(ranked)
    np.put_along_axis(before, order, ranked.cumsum(1) - ranked, 1)
    return before
