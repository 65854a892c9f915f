"""A reference of three made-up types that a model learns in seconds, as a token store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from cellcohort.splits import assign_splits
from cellcohort.tokens import TokenStore, tokenise, write_store

N_GENES = 40
LABELS = ["alpha", "beta", "delta"]


def counts_of(labels: np.ndarray, *, seed: int) -> sparse.csr_matrix:
    """Counts (cells, N_GENES) in which each type has ten genes of its own; an unknown type has the last ten."""
    rng = np.random.default_rng(seed)
    rate = np.full((len(labels), N_GENES), 0.4)
    for cell, label in enumerate(labels):
        first = 10 * (LABELS.index(label) if label in LABELS else 3)
        rate[cell, first : first + 10] = 4
    return sparse.csr_matrix(rng.poisson(rate).astype(np.float32))


def make_store(path: Path, *, n_cells: int = 300, seed: int = 0) -> TokenStore:
    """Write and open the tokens of `n_cells` cells of three donors."""
    labels = np.resize(np.array(LABELS, object), n_cells)
    donors = np.resize(np.array(["D1", "D2", "D3", "D1"], object), n_cells)
    ids = np.array([f"cell{i:04d}" for i in range(n_cells)], object)
    split = assign_splits(ids, labels, donors, seed=seed)
    cells = pd.DataFrame({"cell_id": ids, "label": labels, "donor": donors, "split": split})
    write_store(path, [(tokenise(counts_of(labels, seed=seed)), cells)])
    return TokenStore(path)
