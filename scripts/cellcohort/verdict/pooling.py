"""Prior log odds of each cell by empirical Bayes: the patient's share of tumour cells, its group's, its neighbours'."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

BASE_SHARE = 0.1
"""Share of tumour cells that a patient is expected to have before anything is seen,"""
BASE_WEIGHT = 10.0
"""and how many groups of cells it takes to outweigh that."""
UNIT_WEIGHT = 4.0
"""How many cells of a group or neighbourhood it takes to outweigh the patient's, or the group's, share."""
_ROUNDS = 200


def patient_share(evidence: np.ndarray, n_groups: int) -> float:
    """Share of tumour cells of a patient by expectation maximisation.

    Cells of one group share much of their evidence, so that a patient of few groups has seen few things, however many
    its cells: they count as `n_groups` observations.

    Parameters
    ----------
    evidence
        (n_cells,) log Bayes factors.
    """
    share = BASE_SHARE
    for _ in range(_ROUNDS if len(evidence) else 0):
        mean = float(expit(evidence + logit(share)).mean())
        share = (n_groups * mean + BASE_WEIGHT * BASE_SHARE) / (n_groups + BASE_WEIGHT)
    return share


def pooled_prior(evidence: np.ndarray, groups: np.ndarray, neighbourhoods: np.ndarray, share: float) -> np.ndarray:
    """Log odds (n,) of each cell before its own evidence, from that of the other cells of its group and neighbourhood.

    Fifty cells of one group with a log Bayes factor of 1 each leave no doubt about the group; a group of two kinds of
    cells has a share of its own, and its cells decide for themselves.

    Parameters
    ----------
    evidence
        (n_cells,) log Bayes factors from the cell's own counts alone.
    groups, neighbourhoods
        (n_cells,) integers from 0.
    share
        The patient's share of tumour cells.
    """
    of_group = _group_shares(evidence, groups, share)
    carrier = expit(evidence + logit(of_group))
    return logit(_without_itself(carrier, neighbourhoods, of_group))


def _group_shares(evidence: np.ndarray, groups: np.ndarray, share: float) -> np.ndarray:
    """The share of tumour cells among the others of each cell's group (n,)."""
    of_unit = np.full(int(groups.max(initial=-1)) + 1, share)
    size = np.bincount(groups, minlength=len(of_unit))
    for _ in range(_ROUNDS):
        carrier = expit(evidence + logit(of_unit)[groups])
        of_unit = (np.bincount(groups, carrier, len(of_unit)) + UNIT_WEIGHT * share) / (size + UNIT_WEIGHT)
    return _without_itself(expit(evidence + logit(of_unit)[groups]), groups, np.full(len(evidence), share))


def _without_itself(carrier: np.ndarray, units: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Share of carriers among the other cells of each cell's unit, drawn towards `share` (n,)."""
    total, size = np.bincount(units, carrier), np.bincount(units)
    return (total[units] - carrier + UNIT_WEIGHT * share) / (size[units] - 1 + UNIT_WEIGHT)
