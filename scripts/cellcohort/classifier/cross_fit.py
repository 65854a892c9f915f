"""Cross-fitting of the type profiles: each reference cell is compared with profiles fitted without its own fold.

Folds are donors where the reference has several, so that what is calibrated on these cells holds for new donors.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from ..reference.splits import by_donor, in_random_order
from .type_profiles import OOD_COMPONENTS, Profiles, fit_profiles

log = logging.getLogger(__name__)
N_FOLDS = 5
NONE = np.empty(0, int)


@dataclass(frozen=True)
class OutOfFold:
    """n reference cells compared with profiles that were fitted without their fold.

    Attributes
    ----------
    folds
        Number of the fold, shape (n,); 0 holds the cells of the `validation` split where there are any.
    scored
        Whether the other folds have the cell's own label, shape (n,). What follows is only of these cells.
    types, ood_components
        As in `type_profiles.Comparison`; -1 and NaN elsewhere.
    """

    folds: np.ndarray
    scored: np.ndarray
    types: np.ndarray
    ood_components: np.ndarray


def cross_fit(
    scaled_bins: sparse.csr_matrix,
    codes: np.ndarray,
    folds: np.ndarray,
    n_labels: int,
    *,
    unmeasured: np.ndarray = NONE,
) -> tuple[OutOfFold, dict[int, Profiles]]:
    """The cells compared without their fold, and by fold the profiles fitted without it.

    Parameters
    ----------
    scaled_bins
        Shape (n, n_genes).
    codes, folds
        Label number and fold of each cell, shape (n,).
    unmeasured
        Numbers of genes that count as unknown.
    """
    scored, types = np.zeros(len(codes), bool), np.full(len(codes), -1)
    ood_components = np.full((len(codes), len(OOD_COMPONENTS)), np.nan)
    profiles_without_fold: dict[int, Profiles] = {}
    for fold in np.unique(folds):
        others = folds != fold
        present = np.unique(codes[others])
        cells = np.flatnonzero(~others & np.isin(codes, present))
        if len(present) < 2 or not len(cells):
            continue
        profiles = fit_profiles(scaled_bins[others], codes[others], n_labels).without(unmeasured)
        compared = profiles.compare(scaled_bins[cells])
        scored[cells], types[cells], ood_components[cells] = True, compared.types, compared.ood_components
        profiles_without_fold[int(fold)] = profiles
        log.info("profiles without fold %d score %d cells", fold, len(cells))
    return OutOfFold(folds, scored, types, ood_components), profiles_without_fold


def assign_folds(cells: pd.DataFrame, *, seed: int) -> np.ndarray:
    """Fold of each reference cell: 0 for the `validation` split, up to four more for the training cells.

    Training cells are divided by donor where the split is by donor, otherwise at random within each label. The result
    does not depend on the order of the cells.

    Parameters
    ----------
    cells
        Columns cell_id, label, donor and split, n rows.
    """
    folds = np.zeros(len(cells), int)
    training = np.flatnonzero(cells["split"] == "train")
    if by_donor(cells):
        names, donors = np.unique(cells["donor"].to_numpy(str)[training], return_inverse=True)
        group = np.random.default_rng(seed).permutation(len(names)) % (N_FOLDS - 1)
        folds[training] = 1 + group[donors]
    else:
        shuffled = training[in_random_order(cells["cell_id"].to_numpy()[training], seed=seed)]
        rank = cells["label"].iloc[shuffled].groupby(cells["label"].iloc[shuffled]).cumcount().to_numpy()
        folds[shuffled] = 1 + rank % (N_FOLDS - 1)
    return folds


def groups_of(cells: pd.DataFrame, folds: np.ndarray) -> np.ndarray:
    """Number of the group of each reference cell, shape (n,), within which it has neighbours as in a sample: its donor
    where the split is by donor, else its fold."""
    donors = cells["donor"].to_numpy(str) if by_donor(cells) else np.zeros(len(cells), int)
    return pd.DataFrame({"fold": folds, "donor": donors}).groupby(["fold", "donor"]).ngroup().to_numpy()
