"""Label sets: the types that a cell may be, of which one is right with a stated coverage (conformal prediction).

A type is in a cell's set unless its probability is below the type's limit, under which the tenth of its held-out cells
lies that a coverage of 90 % may miss: sets as small as coverage allows (Sadinle, Lei and Wasserman, JASA 2019). Each
type has a limit of its own, so that coverage holds for each and does not depend on the composition of a sample, which
is another than the reference's. A type of few held-out cells is filled up with cells of all types (as in Ding et al.,
NeurIPS 2023). It holds for cells that are exchangeable with the held-out ones, of types that the reference has: another
platform or study can break it.
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

    The most probable type always is.

    Parameters
    ----------
    probability
        Shape (n, n_labels).
    limits
        Of `fit_limits`.
    """
    levels = np.array([*COVERAGES, np.inf], np.float32)
    needed = levels[sum((probability < limit).astype(np.int8) for limit in limits)]
    needed[np.arange(len(probability)), probability.argmax(1)] = levels[0]
    return needed
