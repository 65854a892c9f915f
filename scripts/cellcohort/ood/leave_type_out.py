"""For which types OOD detection can be trusted on a reference: each is left out in turn and looked for (issue 4).

A stand-in for what a patient may bring: cells of a type that the reference lacks, beside cells of the types it has.
The cells that are looked at are of held-out donors (held-out cells where no donors are known); profiles and detector
know the cells of the other donors, without the type.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.metrics import roc_auc_score

from ..classifier.cross_fit import assign_folds, cross_fit
from ..classifier.type_profiles import fit_profiles
from .detector import fit_detector
from .sample_shift import judge_sample

NOTHING = dict.fromkeys(("auroc", "recall", "false_alarms", "taken_for", "taken_share"))
MIN_CELLS = 10  # held-out cells of a type, below which nothing is said of it


def leave_types_out(
    levels: sparse.csr_matrix, cells: pd.DataFrame, labels: list[str], *, alpha: float, seed: int
) -> pd.DataFrame:
    """Leave each type out and detect it among held-out cells (`cohort_tables.LEAVE_TYPE_OUT`).

    Parameters
    ----------
    levels
        Levels of n reference cells (`evidence.bin_levels`), shape (n, n_genes).
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
    rows = [
        {"label": label, "n_cells": int((held_out & (codes == code)).sum())}
        | _without(levels, cells, codes, code, held_out, folds, labels, alpha)
        for code, label in enumerate(labels)
    ]
    return pd.DataFrame(rows).sort_values(["auroc", "label"], ignore_index=True)


def _without(levels, cells, codes, left_out: int, held_out, folds, labels, alpha: float) -> dict:
    """What is found of one type by a reference without it."""
    training, foreign = ~held_out & (codes != left_out), codes[held_out] == left_out
    if foreign.sum() < MIN_CELLS or foreign.all() or len(np.unique(codes[training])) < 2:
        return NOTHING
    names = np.array(labels, object)
    seen, _ = cross_fit(levels[training], codes[training], folds[training], len(labels))
    if not seen.judged.any():
        return NOTHING
    detector, profiles = fit_detector(seen, names), fit_profiles(levels[training], codes[training], len(labels))
    compared, cell_ids = profiles.compare(levels[held_out]), cells["cell_id"].to_numpy()[held_out]
    scores, pvalues, _ = judge_sample(profiles, detector, labels, compared, levels[held_out], cell_ids)
    called = pvalues <= alpha
    taken, counts = np.unique(names[compared.origins[foreign]], return_counts=True)
    return {
        "auroc": roc_auc_score(foreign, scores),
        "recall": called[foreign].mean(),
        "false_alarms": called[~foreign].mean(),
        "taken_for": taken[counts.argmax()],
        "taken_share": counts.max() / counts.sum(),
    }
