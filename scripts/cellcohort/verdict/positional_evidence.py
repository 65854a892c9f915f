"""Evidence of blocks along the genome: the p-values of a cell's neighbourhood and group as one log Bayes factor."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..positional.evidence import SUSPECT

LIMIT = 9.0
ALONE_LIMIT = 4.0  # of a neighbourhood in a group that shows nothing: neighbours may be strangers
QUIET_LEVEL = 0.1
QUIET = -1.5
LEAST_WEIGHT = 0.1


def log_bayes_factor(pvalue: np.ndarray) -> np.ndarray:
    """What a p-value stands for on average, as a log Bayes factor: at most `LIMIT`, 0 above `SUSPECT` or if missing.

    log((1 - p + p log p) / (p log(p)^2)): the mean of k p^(k - 1) over all alternatives k from 0 to 1, of which the
    bound of Sellke, Bayarri and Berger (The American Statistician, 2001) is the largest; by Vovk and Wang (Annals of
    Statistics, 2021). The largest is as a rule too sure.
    """
    p = np.clip(np.nan_to_num(np.asarray(pvalue, float), nan=1.0), np.exp(-3 * LIMIT), 0.5)
    found = np.log((1 - p + p * np.log(p)) / (p * np.log(p) ** 2))
    return np.where(p <= SUSPECT, np.minimum(found, LIMIT), 0.0)


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
    of_own, of_group = log_bayes_factor(own), log_bayes_factor(group)
    of_own = np.where(group > QUIET_LEVEL, np.minimum(of_own, ALONE_LIMIT), of_own)
    found = np.maximum(of_own, of_group * _weight(own))
    return np.where((own > QUIET_LEVEL) & (group > QUIET_LEVEL), QUIET, found)


def _weight(pvalue: np.ndarray) -> np.ndarray:
    """Weight of the group's evidence: 1 for a suspect neighbourhood or one that was not judged, falling with log p."""
    with np.errstate(divide="ignore"):
        weight = np.log(pvalue) / np.log(SUSPECT)
    return np.clip(np.nan_to_num(weight, nan=1.0), LEAST_WEIGHT, 1.0)
