"""Which cells carry positional evidence: their genes differ from healthy cells in blocks along the genome."""

from __future__ import annotations

import numpy as np
import pandas as pd

SIGNIFICANT = 1e-3
"""p-value at which blocks are evidence of an altered genome."""
SUSPECT = 1e-2
"""p-value at which a cell is no longer taken for normal without a word: it serves as nobody's reference."""
HINT = 0.05
"""p-value above which a neighbourhood does not share what its group shows: a group may hold cells of two kinds."""


def altered(positional: pd.DataFrame, *, level: float = SIGNIFICANT) -> np.ndarray:
    """Cells (bool) with positional evidence at `level`; a missing p-value is no evidence.

    Their neighbourhood has a p-value of at most `level`; or their group has one, and their neighbourhood hints at it.

    Parameters
    ----------
    positional
        Columns of `schemas.POSITIONAL`.
    """
    by_group = (positional["group_pvalue"] <= level) & (positional["pvalue"] <= HINT)
    return ((positional["pvalue"] <= level) | by_group).to_numpy(bool)
