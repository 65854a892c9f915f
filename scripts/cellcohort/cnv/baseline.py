"""Diploid baseline: the expected share of a cell's counts on each arm, by lineage, and its dispersion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FOLDS = 5


@dataclass(frozen=True)
class Baseline:
    """The diploid expectation of every cell.

    Attributes
    ----------
    share
        (n_cells, n_arms) expected share of a cell's counts on each arm; NaN rows where there is no reference. A
        reference cell's expectation comes from the other folds of its lineage, so that its scores are those of a
        held-out cell.
    dispersion
        (n_cells, n_arms) negative-binomial dispersion, the error of the share included.
    """

    share: np.ndarray
    dispersion: np.ndarray


def fold_numbers(n_cells: int, seed: int) -> np.ndarray:
    """Random folds 0..4 for cells that are sorted by cell_id."""
    return np.random.default_rng(seed).permutation(n_cells) % _FOLDS


def build_baseline(values: np.ndarray, lineage: np.ndarray, reference: np.ndarray, folds: np.ndarray) -> Baseline:
    """Estimate the diploid shares by lineage and one dispersion an arm from the reference cells.

    Parameters
    ----------
    values
        (n_cells, n_arms) arm counts.
    lineage
        (n_cells,) number of each cell's lineage; -1 where the lineage has no reference.
    reference
        (n_cells,) bool.
    folds
        (n_cells,) fold of each cell.
    """
    share = np.full(values.shape, np.nan)
    error = np.zeros(values.shape)
    for index in np.unique(lineage[lineage >= 0]):
        members, cells = lineage == index, reference & (lineage == index)
        share[members], error[members] = _share(values[cells]), _error(values[cells])
        for fold in range(_FOLDS):
            held_out, others = cells & (folds == fold), cells & (folds != fold)
            if held_out.any() and others.any():
                share[held_out], error[held_out] = _share(values[others]), _error(values[others])
    spread = arm_dispersion(values[reference], share[reference])
    number = np.bincount(lineage[reference], minlength=lineage.max(initial=0) + 1)[lineage].clip(1)[:, None]
    return Baseline(share, spread + error + spread / number)


def _share(values: np.ndarray) -> np.ndarray:
    total = values.sum(axis=0) + 0.5
    return total / total.sum()


def _error(values: np.ndarray) -> np.ndarray:
    """Squared relative error of a share that was estimated from these counts."""
    return 1 / (values.sum(axis=0) + 1)


def arm_dispersion(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Negative-binomial dispersion of each arm by moments, at least a tenth of the arms' median."""
    expected = values.sum(axis=1, keepdims=True) * share
    excess = ((values - expected) ** 2 - expected).sum(axis=0) / np.maximum((expected**2).sum(axis=0), 1e-12)
    positive = np.maximum(excess, 0)
    return np.maximum(positive, 0.1 * np.median(positive)) + 1e-4
