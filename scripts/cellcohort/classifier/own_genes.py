"""A type's own genes: those that set it apart from the other types, and how many of them some cells have kept.

The nearest type is always some type. Cells of a lineage that the reference lacks are nearest to a type whose own genes
they do not have: what they share with it, other types share as well.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ..model.linear import IMPOSSIBLE
from .type_profiles import Profiles

N_OWN_GENES = 50


def own_genes(profiles: Profiles, label: int, measured: np.ndarray) -> np.ndarray:
    """Those of the `measured` genes (numbers) whose log-odds of detection exceed the other types' mean the most."""
    detection = profiles.detection[measured]
    apart = detection[:, label] - detection[:, _others(profiles, label)].mean(1)
    return measured[np.argsort(-apart, kind="stable")[:N_OWN_GENES]]


def own_genes_kept(profiles: Profiles, on: sparse.csr_matrix, label: int, measured: np.ndarray) -> float:
    """How much of what sets a type apart n cells keep: about 1 in cells of the type, 0 in cells of the other types.

    Detections of the type's own genes beyond those of the other types, over what is expected of the type beyond them;
    in cells of as many genes, so that depth changes nothing.

    Parameters
    ----------
    on
        Which genes each cell has, 0 or 1, shape (n, G).
    measured
        Numbers of the genes that the sample's file holds.
    """
    genes, n_on = own_genes(profiles, label, measured), np.diff(on.indptr)
    expected, others = (
        np.mean([profiles.expected_cells(n_on, code, measured, genes)[0].sum() for code in codes])
        for codes in ([label], _others(profiles, label))
    )
    return float((on[:, genes].sum() - others) / max(expected - others, 1e-12))


def _others(profiles: Profiles, label: int) -> np.ndarray:
    """Numbers of the other types that have cells."""
    return np.setdiff1d(np.flatnonzero(profiles.bias > IMPOSSIBLE), label)
