"""Which cells carry positional evidence: their genes differ from healthy cells in blocks along the genome."""

from __future__ import annotations

import numpy as np
import pandas as pd

SIGNIFICANT = 1e-3
"""p-value at which blocks are evidence of an altered genome."""
SUSPECT = 1e-2
"""p-value at which a cell is no longer taken for normal without a word: it serves as nobody's reference."""


def altered(positional: pd.DataFrame, *, level: float = SIGNIFICANT) -> np.ndarray:
    """Cells (bool) whose neighbourhood or group has a p-value of at most `level`; a missing p-value is no evidence.

    Parameters
    ----------
    positional
        Columns of `schemas.POSITIONAL`.
    """
    return (positional[["pvalue", "group_pvalue"]].min(axis=1) <= level).to_numpy()
