"""Leave-one-type-out evaluation of OOD detection: each type of a reference is left out in turn and looked for.

A stand-in for what a patient may bring: cells of a type that the reference lacks, beside cells of the types it has.
The cells that are scored are of held-out donors (held-out cells where no donors are known); profiles and detector know
the cells of the other donors, without the type.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.metrics import roc_auc_score

from ..classifier.cross_fit import assign_folds, cross_fit, groups_of
from ..classifier.type_profiles import fit_profiles
from .detector import fit_detector
from .judgement import judge_in_memory
from .neighbourhoods import nearest_in_groups

NOTHING = dict.fromkeys(("auroc", "recall", "false_alarms", "taken_for", "taken_share"))
MIN_CELLS = 10  # held-out cells of a type, below which nothing is said of it


def leave_types_out(
    scaled_bins: sparse.csr_matrix, cells: pd.DataFrame, labels: list[str], *, alpha: float, seed: int
) -> pd.DataFrame:
    """Leave each type out and detect it among held-out cells (`schemas.LEAVE_TYPE_OUT`).

    Parameters
    ----------
    scaled_bins
        `tokens.scale_bins` of n reference cells, shape (n, n_genes).
    cells
        Columns cell_id, label, donor and split, n rows.
    labels
        The reference's types in the order of the model.

    Returns
    -------
    A row for each type, those that are found worst first. AUROC, recall, false alarms and the types that the cells were
    taken for are null where fewer than `MIN_CELLS` of its cells were held out.
    """
    codes = pd.Index(labels).get_indexer(cells["label"])
    held_out = (cells["split"] == "validation").to_numpy()
    folds = assign_folds(cells, seed=seed)
    if len(np.unique(folds[~held_out])) == 1:  # of one donor
        folds = assign_folds(cells.assign(donor=None), seed=seed)
    groups = groups_of(cells, folds)
    rows = [
        {"label": label, "n_cells": int((held_out & (codes == code)).sum())}
        | _leave_out(scaled_bins, cells, codes, code, held_out, folds, groups, labels, alpha)
        for code, label in enumerate(labels)
    ]
    return pd.DataFrame(rows).sort_values(["auroc", "label"], ignore_index=True)


def _leave_out(scaled_bins, cells, codes, left_out: int, held_out, folds, groups, labels, alpha: float) -> dict:
    """How well the cells of one type are found by a reference without it."""
    training, unknown = ~held_out & (codes != left_out), codes[held_out] == left_out
    if unknown.sum() < MIN_CELLS or unknown.all() or len(np.unique(codes[training])) < 2:
        return NOTHING
    names, bins = np.array(labels, object), scaled_bins[held_out]
    out_of_fold, _ = cross_fit(scaled_bins[training], codes[training], folds[training], len(labels))
    if not out_of_fold.scored.any():
        return NOTHING
    neighbours = nearest_in_groups(scaled_bins[training], np.where(out_of_fold.scored, groups[training], -1))
    detector = fit_detector(out_of_fold, neighbours, len(labels))
    profiles = fit_profiles(scaled_bins[training], codes[training], len(labels))
    compared, cell_ids = profiles.compare(bins), cells["cell_id"].to_numpy()[held_out]
    is_ood = judge_in_memory(profiles, detector, labels, compared, bins, cell_ids).pvalues <= alpha
    taken, counts = np.unique(names[compared.origins[unknown]], return_counts=True)
    return {
        "auroc": roc_auc_score(unknown, detector.score(compared.ood_components)),
        "recall": is_ood[unknown].mean(),
        "false_alarms": is_ood[~unknown].mean(),
        "taken_for": taken[counts.argmax()],
        "taken_share": counts.max() / counts.sum(),
    }
