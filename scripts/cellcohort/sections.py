"""Cells of spatial samples with their place on the section, few enough to be drawn."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from .annotated_file import column, sample_rows
from .cohort_tables import SECTIONS
from .sampling import hashes

MOST_CELLS = 5_000
COHORT_CELLS = 60_000
_COLUMNS = ("sample_id", "patient_id", "cell_id", "label", "is_ood", "ood_score", "cnv_call")


def sections(path: str | Path, *, seed: int = 1) -> pd.DataFrame:
    """The cells of annotated.h5ad that have coordinates (`cohort_tables.SECTIONS`).

    A section with more than its share of `COHORT_CELLS` (at most `MOST_CELLS`) is thinned to the cells of the lowest
    seeded hash of cell_id. One section is in memory at a time.
    """
    with h5py.File(path) as file:
        samples = sample_rows(file) if "spatial" in file["obsm"] else []
        found = [rows for rows in samples if np.isfinite(file["obsm/spatial"][rows, 0]).any()]
        if not found:
            return SECTIONS.empty_table().to_pandas()
        most = min(MOST_CELLS, COHORT_CELLS // len(found))
        return pd.concat([_section(file, rows, most, seed) for rows in found], ignore_index=True)


def _section(file: h5py.File, rows: slice, most: int, seed: int) -> pd.DataFrame:
    cells = pd.DataFrame({name: column(file, name, rows) for name in _COLUMNS})
    cells["x"], cells["y"] = file["obsm/spatial"][rows, :2].T
    cells = cells[cells["x"].notna() & cells["y"].notna()]
    lowest = np.argsort(hashes(cells["cell_id"], seed), kind="stable")[:most]
    return cells.iloc[lowest].sort_values("cell_id")[SECTIONS.names]
