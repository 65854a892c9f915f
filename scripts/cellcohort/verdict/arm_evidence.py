"""Evidence of copy number by arms: a cell's own likelihood ratio, made modest, and its membership of a clone."""

from __future__ import annotations

import numpy as np
import pandas as pd

MODESTY = 5.0  # nats up to which a likelihood ratio is taken almost at its word
OPEN_LIMIT = 3.0  # nats that a cell may weigh whose call stayed open
QUIET = -1.0  # a cell that would have shown a typical aneuploidy, of a patient without any pattern
CLONE = 2.0
CLONE_CELLS = 20


def modest(llr: np.ndarray) -> np.ndarray:
    """A log-likelihood ratio (nats) less sure of itself: unchanged near 0, growing with its logarithm beyond `MODESTY`.

    Arms are no independent negative binomials, and the patterns were found in the same cells: the error of a ratio
    grows with the ratio.
    """
    return np.sign(llr) * MODESTY * np.log1p(np.abs(llr) / MODESTY)


def arm_evidence(cells: pd.DataFrame) -> np.ndarray:
    """Log Bayes factor (n,) of each cell's own arm counts for a tumour genome; 0 where nothing was compared.

    Parameters
    ----------
    cells
        llr, cnv_call, reference_source of n cells, as in `schemas.CNV_CELLS`; missing where copy number knows nothing.
        A cell whose lineage has no reference was compared with nothing.
    """
    llr = modest(cells["llr"].to_numpy(float))
    call = cells["cnv_call"].to_numpy(object)
    llr = np.where((llr == 0) & (call == "diploid"), QUIET, llr)
    llr = np.where(call == "undetermined", np.clip(llr, -OPEN_LIMIT, OPEN_LIMIT), llr)
    return np.where(np.isfinite(llr) & cells["reference_source"].notna().to_numpy(), llr, 0.0)


def clone_evidence(cells: pd.DataFrame) -> np.ndarray:
    """Log Bayes factor (n,) of belonging to a clone of at least `CLONE_CELLS` of the patient's cells.

    Parameters
    ----------
    cells
        clone of n cells of one patient, missing where a cell has none.
    """
    size = cells["clone"].map(cells["clone"].value_counts()).fillna(0).to_numpy(float)
    return np.where(size >= CLONE_CELLS, CLONE, 0.0)
