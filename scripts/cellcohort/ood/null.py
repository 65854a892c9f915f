"""The null distribution of OOD scores: what a cell of a label scores when it is of the reference.

Centre and spread are robust, of each label and each size of neighbourhood, drawn towards those of all cells where a
label has few. The tail beyond them is that of single cells, whatever the size of the neighbourhood: noise averages out,
and the slack pays for subpopulations that the reference lacks. A label whose reference cells are themselves mixed does
not widen its own tail beyond that of the others. Beyond the reference's cells the tail goes on exponentially, so that
p-values have no floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .neighbourhoods import MOST, averaged

PRIOR_CELLS = 5  # of all labels, added to a label's centre
PRIOR_SPREAD = 20  # neighbourhoods of all labels, added to a label's spread
PRIOR_TAIL = 50  # cells of all labels, added to a label's tail
MIN_TAIL = 20  # cells of a label with a tail of its own
LOWER_TENTH = 1.2816  # normal deviations between median and lowest tenth
TAIL_START = 0.01  # share of cells beyond which the tail is exponential; at least `TAIL_CELLS`
TAIL_CELLS = 2
TAIL_SHARE = 0.1  # share of cells, at least five, whose mean excess is the tail's scale
LEVELS = np.unique(np.concatenate([np.linspace(0.05, 1, 39), np.geomspace(1e-6, 0.05, 40)]))[::-1]
"""p-values at which the tail is kept, from 1 down."""
LEAST = 1e-30  # p-value; single precision holds no lower ones


@dataclass(frozen=True)
class Null:
    """The null of L labels.

    Attributes
    ----------
    centre, spread
        Of mean scores of k = 1 .. `MOST` nearest cells, for each label, shapes (MOST, L).
    pooled_spread
        Of all labels together, shape (MOST,).
    tail
        How many spreads beyond the centre a share of `LEVELS` of the label's cells lies, ascending, shape (L, P).
    n_cells
        Reference cells that were scored without their own fold and are nearest to the label, shape (L,).
    """

    centre: list[list[float]]
    spread: list[list[float]]
    pooled_spread: list[float]
    tail: list[list[float]]
    n_cells: list[int]

    def pvalue(self, values: np.ndarray, types: np.ndarray, k: int, shift=0.0, variance=0.0) -> np.ndarray:
        """p-values, shape (n,), of mean scores `values` over k cells, of cells with the label numbers `types` (n,).

        Parameters
        ----------
        shift, variance
            By how much the cells score higher than the reference for technical reasons, and how unsure that is; numbers
            or shape (n,).
        """
        deviation = np.sqrt(np.asarray(self.spread[0])[types] ** 2 + variance)
        beyond = (values - np.asarray(self.centre[k - 1])[types] - shift) / deviation
        pvalues = np.empty(len(values))
        for label in np.unique(types):
            cells = types == label
            pvalues[cells] = _share_beyond(beyond[cells], np.asarray(self.tail[label]))
        return pvalues


def fit_null(scores: np.ndarray, types: np.ndarray, neighbours: np.ndarray, n_labels: int) -> Null:
    """The null of n reference cells.

    Parameters
    ----------
    scores, types
        Score and label number of each cell without its own fold, shape (n,).
    neighbours
        `neighbourhoods.nearest_in_groups`, shape (n, MOST).
    """
    fitted = [_centre_and_spread(averaged(scores, neighbours[:, :k]), types, k, n_labels) for k in range(1, MOST + 1)]
    centre, spread, pooled = (np.array(part) for part in zip(*fitted, strict=True))
    standardised = (scores - centre[0, types]) / spread[0, types]
    tails, n_cells = _tails(standardised, types, n_labels), np.bincount(types, minlength=n_labels)
    return Null(centre.tolist(), spread.tolist(), pooled.tolist(), tails.tolist(), n_cells.tolist())


def _centre_and_spread(
    values: np.ndarray, types: np.ndarray, k: int, n_labels: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Centre and spread of each label, shapes (n_labels,), and the spread of all."""
    n_cells = np.bincount(types, minlength=n_labels)
    medians = np.array([np.median(values[types == label]) if n else 0.0 for label, n in enumerate(n_cells)])
    centre = (n_cells * medians + PRIOR_CELLS * np.median(values)) / (n_cells + PRIOR_CELLS)
    residuals = values - medians[types]
    pooled = max(_lower_spread(residuals), 1e-6)
    own = [
        max(_lower_spread(residuals[types == label]), 0.01 * pooled) if n else pooled for label, n in enumerate(n_cells)
    ]
    weight = n_cells / k / (n_cells / k + PRIOR_SPREAD)
    return centre, np.exp(weight * np.log(own) + (1 - weight) * np.log(pooled)), pooled


def _lower_spread(values: np.ndarray) -> float:
    """Standard deviation by the lower half, which cells unlike the others do not reach."""
    low, middle = np.quantile(values, [0.1, 0.5])
    return float(middle - low) / LOWER_TENTH


def _tails(standardised: np.ndarray, types: np.ndarray, n_labels: int) -> np.ndarray:
    """Tail of each label, shape (n_labels, P)."""
    n_cells = np.bincount(types, minlength=n_labels)
    own = {label: _tail(standardised[types == label]) for label in np.flatnonzero(n_cells >= MIN_TAIL)}
    usual = np.median([*own.values()], axis=0) if own else _tail(standardised)
    tails = np.tile(usual, (n_labels, 1))
    for label, tail in own.items():
        weight = n_cells[label] / (n_cells[label] + PRIOR_TAIL)
        tails[label] = np.minimum(weight * tail + (1 - weight) * usual, usual)
    return tails


def _tail(values: np.ndarray) -> np.ndarray:
    """Quantiles of the values at one minus `LEVELS`, exponential beyond the last of them."""
    start = min(max(TAIL_START, TAIL_CELLS / len(values)), 1)
    highest = np.sort(values)[-max(5, int(TAIL_SHARE * len(values))) :]
    scale = max((highest - highest[0]).mean(), 1e-3)
    within = np.quantile(values, 1 - np.maximum(LEVELS, start))
    return within + scale * np.log(np.maximum(start / LEVELS, 1))


def _share_beyond(values: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """p-values of the values by a tail at `LEVELS`, log-linear between them and beyond the last."""
    levels = np.log(LEVELS)
    slope = (levels[-1] - levels[-2]) / max(tail[-1] - tail[-2], 1e-6)
    pvalues = np.exp(np.interp(values, tail, levels) + slope * np.maximum(values - tail[-1], 0))
    return np.maximum(pvalues, LEAST)
