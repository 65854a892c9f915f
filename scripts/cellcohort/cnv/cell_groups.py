"""The groups of cells that copy number is told of."""

from __future__ import annotations

import pandas as pd

POOL = "out of distribution"  # lineage of OOD cells whose label is rare among them; of others the end of their lineage


def group_names(cells: pd.DataFrame) -> pd.Series:
    """The group of each cell of a patient's cell table as the arm table names it: patient|lineage|clone or call."""
    kind = cells["clone"].where(cells["clone"].notna(), cells["cnv_call"])
    return cells["patient_id"].astype(str) + "|" + cells["lineage"].astype(str) + "|" + kind.astype(str)
