"""Cells of spatial samples with their place on the section, few enough to be drawn."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem

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
        found = [rows for rows in _samples(file) if np.isfinite(file["obsm/spatial"][rows, 0]).any()]
        if not found:
            return SECTIONS.empty_table().to_pandas()
        most = min(MOST_CELLS, COHORT_CELLS // len(found))
        return pd.concat([_section(file, rows, most, seed) for rows in found], ignore_index=True)


def _samples(file: h5py.File) -> list[slice]:
    """The rows of each sample, which lie together; none when no sample has coordinates."""
    if "spatial" not in file["obsm"]:
        return []
    codes = file["obs/sample_id/codes"][:]
    starts = np.r_[0, np.flatnonzero(np.diff(codes)) + 1, len(codes)]
    return [slice(int(first), int(last)) for first, last in pairwise(starts)]


def _section(file: h5py.File, rows: slice, most: int, seed: int) -> pd.DataFrame:
    cells = pd.DataFrame({name: _column(file["obs"][name], rows) for name in _COLUMNS})
    cells["x"], cells["y"] = file["obsm/spatial"][rows, :2].T
    cells = cells[cells["x"].notna() & cells["y"].notna()]
    lowest = np.argsort(hashes(cells["cell_id"], seed), kind="stable")[:most]
    return cells.iloc[lowest].sort_values("cell_id")[SECTIONS.names]


def _column(element: h5py.Dataset | h5py.Group, rows: slice) -> np.ndarray:
    """Some rows of a column of obs."""
    if isinstance(element, h5py.Group):
        categories = np.append(read_elem(element["categories"]).astype(object), None)
        return categories[element["codes"][rows]]
    return element.asstr()[rows] if h5py.check_string_dtype(element.dtype) else element[rows]
