"""Write a patient's copy number to its files, and split them by sample."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from ..core.provenance import NAME, current
from ..outputs.h5ad import write_h5ad
from ..outputs.parquet import read_frame, write_table
from ..outputs.schemas import CNV_ARMS, CNV_CELLS, with_sample
from .call_copy_number import CnvResult
from .cell_groups import GROUP
from .smoothed_profile import Profile, write_profile

NO_CLONE = "no clone"
"""What obs["clone"] holds where a cell has none: scanpy's heatmap by clone refuses missing values."""


def cell_names(cells: pd.DataFrame) -> pd.Series:
    """Names of a patient's cells that are unique over its samples."""
    return cells["sample_id"].astype(str) + "|" + cells["cell_id"].astype(str)


def write_patient(
    result: CnvResult, patient_id: str, *, leiden: np.ndarray, cnv: str | Path, cells: str | Path, arms: str | Path
) -> None:
    """Write a patient's profile (.h5ad), cells and arms (Parquet).

    Parameters
    ----------
    result
        From :func:`cellcohort.cnv.call_patient.call_patient`.
    leiden
        From :func:`cellcohort.cnv.leiden_groups.leiden_groups`, for obs["cnv_leiden"] of the profile.
    """
    table = result.cells.assign(patient_id=patient_id)
    write_table(cells, table, with_sample(CNV_CELLS))
    write_table(arms, result.arms.assign(patient_id=patient_id), CNV_ARMS)
    obs = table[with_sample(CNV_CELLS).names].set_index(cell_names(table)).rename_axis(None)
    obs = obs.assign(clone=obs["clone"].fillna(NO_CLONE), cnv_leiden=leiden)
    write_profile(cnv, obs, Profile(result.profile, result.columns, result.chr_pos))


def split_sample(patient: Mapping[str, str | Path], sample: Mapping[str, str | Path], *, sample_id: str) -> None:
    """Write a sample's part of its patient's files.

    Parameters
    ----------
    patient, sample
        Paths by the names cnv, cells and arms: to read from, and to write to.
    sample_id
        The sample; it gets its own cells, and the arms of the groups that it has cells of.
    """
    table = read_frame(patient["cells"])
    table = table[table["sample_id"] == sample_id]
    write_table(sample["cells"], table, CNV_CELLS)
    arms = read_frame(patient["arms"])
    write_table(sample["arms"], arms.merge(table[GROUP].drop_duplicates(), on=GROUP), CNV_ARMS)
    adata = ad.read_h5ad(patient["cnv"])
    part = adata[(adata.obs["sample_id"] == sample_id).to_numpy()].copy()
    part.obs_names = pd.Index(part.obs["cell_id"].astype(str).to_numpy(), dtype=object)
    part.obs = part.obs.drop(columns=["sample_id", "patient_id"])
    part.uns[NAME] = current()
    write_h5ad(sample["cnv"], part)
