"""Origins that fit: whether the OOD cells of a sample resemble their nearest type, or only lie nearest to it.

Judged by the sample's OOD cells of one nearest type together; of a larger sample by those that were asked. A type of
which none was asked keeps its few cells.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ..classifier.own_genes import own_genes_kept
from ..classifier.type_profiles import Profiles

LEAST_KEPT = 0.5
"""Share of what sets a type apart that cells of it as their origin keep."""
LEAST_MARGIN = 1.0
"""Standard deviations by which, at the median, it suits them better than the next type."""


def fitting_origins(
    profiles: Profiles, scaled_bins: sparse.csr_matrix, origins: np.ndarray, margins: np.ndarray, measured: np.ndarray
) -> np.ndarray:
    """Which of the L types are an origin of n OOD cells, bool, shape (L,).

    A type fits its cells unless the next one suits them about as well, or they have lost its own genes, as they do
    where the reference lacks their lineage.

    Parameters
    ----------
    scaled_bins
        Of the cells, shape (n, n_genes).
    origins, margins
        Number of each cell's nearest type, and by how many standard deviations it is nearer than the next, shape (n,).
    measured
        Numbers of the genes that the sample's file holds.
    """
    fits = np.ones(len(profiles.bias), bool)
    on = scaled_bins.astype(bool).astype(np.float64)
    for code in np.unique(origins):
        cells = np.flatnonzero(origins == code)
        clear = np.median(margins[cells]) >= LEAST_MARGIN
        fits[code] = clear and own_genes_kept(profiles, on[cells], code, measured) >= LEAST_KEPT
    return fits
