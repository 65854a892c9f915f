"""The groups of cells that copy number is told of."""

from __future__ import annotations

import pandas as pd

POOL = "out of distribution"  # lineage of OOD cells whose label is rare among them; of others the end of their lineage


def group_names(cells: pd.DataFrame) -> pd.Series:
    """The group of each cell of a patient's cell table as the arm table names it: patient|lineage|clone or call."""
    kind = cells["clone"].where(cells["clone"].notna(), cells["cnv_call"])
    return cells["patient_id"].astype(str) + "|" + cells["lineage"].astype(str) + "|" + kind.astype(str)


def count_groups(cells: pd.DataFrame) -> pd.DataFrame:
    """Query cells of one sample by group: `cohort_tables.CNV_GROUPS`.

    Parameters
    ----------
    cells
        The sample's cnv_cells table with sample_id and patient_id.
    """
    cells = cells[cells["role"] == "query"]
    is_ood = cells["lineage"].str.endswith(POOL).astype(bool)
    label = cells["lineage"].str.removesuffix(POOL).str.removesuffix(", ")
    cells = cells.assign(group=group_names(cells), is_ood=is_ood, label=label.where(label != "", None))
    keys = ["sample_id", "patient_id", "group", "is_ood", "cnv_call", "label", "clone"]
    return cells.groupby(keys, dropna=False, sort=True).size().rename("n_cells").reset_index()
