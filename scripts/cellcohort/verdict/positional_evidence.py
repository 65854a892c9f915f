"""Evidence of blocks along the genome: the p-values of a cell's neighbourhood and group as one log Bayes factor."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..positional.evidence import SUSPECT

LIMIT = 9.0
ALONE_LIMIT = 4.0  # of a neighbourhood in a group that shows nothing: neighbours may be strangers
QUIET_LEVEL = 0.1
QUIET = -1.5
LEAST_WEIGHT = 0.25


def sellke_bound(pvalue: np.ndarray) -> np.ndarray:
    """The largest log Bayes factor that a p-value can stand for, 0 above 1/e and where it is missing, at most `LIMIT`.

    -log(-e p log p), of Sellke, Bayarri and Berger (The American Statistician, 2001).
    """
    p = np.clip(np.nan_to_num(np.asarray(pvalue, float), nan=1.0), np.exp(-2 * LIMIT), np.exp(-1))
    return np.minimum(-np.log(-np.e * p * np.log(p)), LIMIT)


def positional_evidence(positional: pd.DataFrame) -> np.ndarray:
    """Log Bayes factor (n,) of each cell for a tumour genome; 0 where nothing was judged.

    The group's evidence weighs the less, the less the cell's own neighbourhood shows: it may be of another kind than
    most of the group. A p-value above `SUSPECT` is none. Where neither shows anything, that speaks mildly against a
    tumour, as quiet genomes show nothing.

    Parameters
    ----------
    positional
        pvalue and group_pvalue of n cells, as in `schemas.POSITIONAL`.
    """
    own, group = (positional[name].to_numpy(float) for name in ("pvalue", "group_pvalue"))
    of_own, of_group = (np.where(p <= SUSPECT, sellke_bound(p), 0.0) for p in (own, group))
    of_own = np.where(group > QUIET_LEVEL, np.minimum(of_own, ALONE_LIMIT), of_own)
    found = np.maximum(of_own, of_group * _weight(own))
    return np.where((own > QUIET_LEVEL) & (group > QUIET_LEVEL), QUIET, found)


def _weight(pvalue: np.ndarray) -> np.ndarray:
    """Weight of the group's evidence: 1 for a suspect neighbourhood or one that was not judged, falling with log p."""
    with np.errstate(divide="ignore"):
        weight = np.log(pvalue) / np.log(SUSPECT)
    return np.clip(np.nan_to_num(weight, nan=1.0), LEAST_WEIGHT, 1.0)
