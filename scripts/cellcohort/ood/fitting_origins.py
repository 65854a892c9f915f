"""Origins that fit: whether the OOD cells of a sample resemble their nearest type, or only lie nearest to it.

Judged by the sample's OOD cells of one nearest type together.
"""

from __future__ import annotations

import numpy as np

LEAST_KEPT = 0.5
"""Share of what sets a type apart that cells of it as their origin keep."""
LEAST_MARGIN = 1.0
"""Standard deviations by which, at the median, it suits them better than the next type."""


def fitting_origins(origins: np.ndarray, margins: np.ndarray, kept: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Which of n OOD cells have a nearest type that fits, bool, shape (n,).

    A type fits its cells unless the next one suits them about as well, or they have lost its own genes, as they do
    where the reference lacks their lineage.

    Parameters
    ----------
    origins, margins
        Each cell's nearest type, and by how many standard deviations it is nearer than the next, shape (n,).
    kept, expected
        What each cell keeps of that type's own genes (`own_genes.OwnGenes.kept`), shape (n,).
    """
    fits = np.zeros(len(origins), bool)
    for origin in np.unique(origins):
        cells = origins == origin
        share = kept[cells].sum() / max(expected[cells].sum(), 1e-12)
        fits[cells] = np.median(margins[cells]) >= LEAST_MARGIN and share >= LEAST_KEPT
    return fits
