"""The technical shift of each label of a sample, and how unsure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .anchors import Candidate
from .null import Null

MEDIAN_VARIANCE = 1.57  # of a median, in units of that of a mean
PRIOR_ANCHORS = 2  # anchors whose shifts differ by half a spread, added to those of the sample


@dataclass(frozen=True)
class LabelShifts:
    """Shifts of L labels, in units of the OOD score, and the variance of each, shapes (L,)."""

    shift: np.ndarray
    variance: np.ndarray

    @classmethod
    def none(cls, n_labels: int) -> LabelShifts:
        """No shift of any label."""
        return cls(np.zeros(n_labels), np.zeros(n_labels))


def shift_labels(candidates: Mapping[int, Candidate], null: Null, k: int) -> LabelShifts:
    """Each anchor's own shift, drawn towards their median as far as it is unsure, and that median for the other labels.

    A label that was too small to be asked may differ from the median as anchors do; one that keeps no contrast is given
    no such slack.

    Parameters
    ----------
    candidates
        By label number; at least one is an anchor.
    k
        Cells over which scores are averaged.
    """
    own = own_shifts(candidates, null, k)
    anchors = [code for code, each in candidates.items() if each.anchor]
    apart = np.array([own[code] for code in anchors])
    median = float(np.median(apart))
    prior = PRIOR_ANCHORS * (null.pooled_spread[k - 1] / 2) ** 2
    between = (((apart - median) ** 2).sum() + prior) / (len(anchors) + PRIOR_ANCHORS)
    n_labels = len(null.tail)
    shift, variance = np.full(n_labels, median), np.full(n_labels, between + between / len(anchors))
    for code, each in candidates.items():
        noise = MEDIAN_VARIANCE * null.spread[k - 1][code] ** 2 * k / (each.share * each.n_cells)
        weight = between / (between + noise)
        if each.anchor:
            shift[code] = weight * own[code] + (1 - weight) * median
        variance[code] = weight * noise if each.anchor else 0.0
    return LabelShifts(shift, variance)


def own_shifts(candidates: Mapping[int, Candidate], null: Null, k: int) -> dict[int, float]:
    """By how much each candidate's location is beyond that of the reference."""
    return {code: each.location - null.centre[k - 1][code] for code, each in candidates.items()}
