"""The verdict of each cell and its reason, from its probability and the sources of its evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd

NORMAL, MALIGNANT, UNEXPLAINED, UNSURE = VERDICTS = ("normal", "malignant", "unexplained", "unsure")
SOURCES = ("positional", "arms", "clone", "clonality", "known arms")
"""Sources of evidence by which a cell may be malignant; each is the reason of the cells where it weighs most."""
REFERENCE_TYPE, UNLIKE_REFERENCE = "reference type", "unlike the reference"
CONFLICT, TOO_FEW, BELOW_LIMIT = "conflict", "too few counts", "below the limit"
REASONS = (*SOURCES, REFERENCE_TYPE, UNLIKE_REFERENCE, CONFLICT, TOO_FEW, BELOW_LIMIT)

SURE = 0.9
NO_SIGN = 0.5
SIGN = 2.0  # nats of one source that are a sign of a tumour
STRONG = 3.0  # nats of a source that no other may outvote


def assign_verdicts(
    probability: np.ndarray, evidence: pd.DataFrame, *, is_ood: np.ndarray, too_few: np.ndarray
) -> pd.DataFrame:
    """One verdict and one reason for each cell.

    Parameters
    ----------
    probability
        (n,) that a cell is malignant.
    evidence
        (n, len(SOURCES)) log Bayes factors, columns `SOURCES`.
    is_ood
        (n,) bool: unlike the reference.
    too_few
        (n,) bool: its counts could not have shown a typical aneuploidy.

    Returns
    -------
    verdict and reason, n rows.
    """
    strongest = evidence.to_numpy().max(axis=1)
    conflict = in_conflict(evidence)
    malignant = (probability >= SURE) & (strongest >= SIGN) & ~conflict
    normal = (probability <= 1 - SURE) & ~is_ood & ~conflict
    unexplained = is_ood & (probability <= NO_SIGN) & ~conflict
    kinds = [malignant, normal, unexplained]
    source = np.array(SOURCES, dtype=object)[evidence.to_numpy().argmax(axis=1)]
    open_reason = np.where(conflict, CONFLICT, np.where(too_few & (strongest < SIGN), TOO_FEW, BELOW_LIMIT))
    reasons = [source, REFERENCE_TYPE, UNLIKE_REFERENCE]
    return pd.DataFrame({
        "verdict": np.select(kinds, [MALIGNANT, NORMAL, UNEXPLAINED], UNSURE).astype(object),
        "reason": np.select(kinds, reasons, open_reason).astype(object),
    })  # fmt: skip


def in_conflict(evidence: pd.DataFrame) -> np.ndarray:
    """Cells (bool) of which one source says strongly what another strongly denies."""
    values = evidence.to_numpy()
    return (values.max(axis=1) >= STRONG) & (values.min(axis=1) <= -STRONG)
