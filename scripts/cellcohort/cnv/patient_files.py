"""The files of a patient, and each sample's part of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import pandas as pd

from ..core.files import atomic_path
from ..core.provenance import NAME, current
from ..outputs.parquet import read_frame, write_table
from ..outputs.schemas import CNV_ARMS, CNV_CELLS, with_sample
from .call_copy_number import CnvResult
from .cell_groups import group_names
from .smoothed_profile import Profile, write_profile


def write_patient(result: CnvResult, patient_id: str, *, cnv: str | Path, cells: str | Path, arms: str | Path) -> None:
    """Write a patient's profile (.h5ad), cells and arms (Parquet); a group's name starts with the patient's."""
    table = result.cells.assign(patient_id=patient_id)
    write_table(cells, table, with_sample(CNV_CELLS))
    write_table(arms, result.arms.assign(group=f"{patient_id}|" + result.arms["group"].astype(str)), CNV_ARMS)
    names = with_sample(CNV_CELLS).names
    obs = table[names].set_index(table["sample_id"].astype(str) + "|" + table["cell_id"].astype(str))
    obs.index.name = None
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
    write_table(sample["arms"], arms[arms["group"].isin(set(group_names(table)))], CNV_ARMS)
    adata = ad.read_h5ad(patient["cnv"])
    part = adata[(adata.obs["sample_id"] == sample_id).to_numpy()].copy()
    part.obs = part.obs[CNV_CELLS.names]
    part.obs_names = pd.Index(part.obs["cell_id"].astype(str).to_numpy(), dtype=object)
    part.uns[NAME] = current()
    with atomic_path(sample["cnv"]) as path:
        part.write_h5ad(path, compression="gzip")
