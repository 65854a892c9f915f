"""How far blocks reach in cells whose genome is healthy: from z to a p-value.

The body and the tail of z are known from normal cells of other tissues, platforms and studies (95 % below 2.6, 99 %
below 3.8; tests/benchmarks/README.md). The bundle's own types, each compared with the other types alone, can only make
them wider: cells of one study agree better with one another than a patient's cells with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

TAIL = 0.05
USUAL_START, USUAL_SCALE = 2.6, 0.75


@dataclass(frozen=True)
class NullDistribution:
    """z of healthy cells: normal up to `start`, which a share `TAIL` of them exceeds, then an exponential tail.

    Attributes
    ----------
    start
        z at which the tail begins.
    scale
        Mean excess above it.
    n_groups
        Groups of the reference from which both come; with none they are the usual ones.
    """

    start: float = USUAL_START
    scale: float = USUAL_SCALE
    n_groups: int = 0

    def pvalue(self, z: np.ndarray) -> np.ndarray:
        """Chance that healthy cells reach each z, NaN where z is, shape (n,)."""
        body = norm.sf(z * (norm.isf(TAIL) / self.start))
        tail = TAIL * np.exp(-np.maximum(z - self.start, 0) / self.scale)
        return np.where(z > self.start, tail, body)


def fit_null(z: np.ndarray) -> NullDistribution:
    """The null distribution by the z of the reference's own groups, shape (n,), NaN where it could not be judged."""
    z = z[np.isfinite(z)]
    if not len(z):
        return NullDistribution()
    start = max(USUAL_START, float(np.quantile(z, 1 - TAIL)))
    above = z[z > start] - start
    # as many groups more, of the usual excess, as a tail of this size has
    expected = TAIL * len(z)
    scale = (above.sum() + USUAL_SCALE * expected) / (len(above) + expected)
    return NullDistribution(start, max(USUAL_SCALE, float(scale)), len(z))
