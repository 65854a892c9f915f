"""The reference cells that calibration reads and the bundle keeps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from ..model.token_store import TokenStore
from ..model.tokens import scale_bins
from ..reference.splits import spread_sample

MAX_TRAINING, MAX_HELD_OUT = 20_000, 10_000  # cells of either split


def calibration_cells(
    store: TokenStore, *, n_genes: int, n_bins: int, seed: int
) -> tuple[np.ndarray, pd.DataFrame, sparse.csr_matrix]:
    """Rows of the store that calibration reads, these cells (as in `store.cells`), and their scaled bins."""
    rows = calibration_rows(store.cells, seed=seed)
    return rows, store.cells.iloc[rows].reset_index(drop=True), scale_bins(store.read(rows), n_genes, n_bins)


def calibration_rows(cells: pd.DataFrame, *, seed: int) -> np.ndarray:
    """Rows of the store that calibration reads, ascending.

    Training cells are thinned so that rare labels are spared, held-out cells so that they keep their composition.
    """
    training = np.flatnonzero(cells["split"] == "train")
    held_out = np.flatnonzero(cells["split"] == "validation")
    training = training[spread_sample(cells.iloc[training], limit=MAX_TRAINING, seed=seed)]
    if len(held_out) > MAX_HELD_OUT:
        by_id = held_out[np.argsort(cells["cell_id"].to_numpy()[held_out], kind="stable")]
        held_out = np.random.default_rng(seed).choice(by_id, MAX_HELD_OUT, replace=False)
    return np.sort(np.concatenate([training, held_out]))
