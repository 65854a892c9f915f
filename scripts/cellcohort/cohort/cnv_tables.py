"""Collect copy number over the cohort: arms, groups of cells, burden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..cnv.cell_groups import POOL, group_names
from ..outputs.parquet import concat_frames, read_frame
from ..outputs.schemas import CNV_BURDEN, QUANTILES


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


CNV_GROUPS = ("reference", "aneuploid", "diploid", "undetermined")


def collect_cnv_arms(paths: Sequence[str | Path], samples: Sequence[dict]) -> Iterator[pd.DataFrame]:
    """The samples' chromosome-arm tables, one after the other (`cohort_tables.COHORT_CNV_ARMS`)."""
    for path, sample in zip(paths, samples, strict=True):
        yield read_frame(path).assign(sample_id=sample["sample_id"], patient_id=sample["patient_id"])


def cnv_groups(paths: Sequence[str | Path], samples: Sequence[dict]) -> Iterator[pd.DataFrame]:
    """Cells of each sample by group, of the samples' cnv_cells.parquet (`cohort_tables.CNV_GROUPS`)."""
    for path, sample in zip(paths, samples, strict=True):
        cells = read_frame(path, ["role", "lineage", "clone", "cnv_call"])
        yield count_groups(cells.assign(sample_id=sample["sample_id"], patient_id=sample["patient_id"]))


def cnv_burden(paths: Sequence[str | Path], samples: Sequence[dict]) -> pd.DataFrame:
    """Copy-number burden of each sample (`cohort_tables.CNV_BURDEN`).

    A row for each group that has cells: the reference cells, and the query cells called aneuploid, diploid and
    undetermined. `share` is of the query cells (of the reference cells for the reference, hence 1); `n_borrowed` is how
    many of the cells were compared with borrowed cells of the healthy reference; the scores are the 5 %, 25 %, 50 %,
    75 % and 95 % quantiles of the group's `cnv_score`, null where none was computed.
    """
    parts = []
    for path, sample in zip(paths, samples, strict=True):
        cells = read_frame(path, ["role", "cnv_score", "cnv_call", "reference_source"])
        group = cells["cnv_call"].where(cells["role"] != "reference", "reference")
        ids = {"sample_id": sample["sample_id"], "patient_id": sample["patient_id"]}
        borrowed = cells["reference_source"].fillna("").str.contains("borrowed")
        parts.append(_burden(cells["cnv_score"], group, borrowed).assign(**ids))
    return concat_frames(parts, CNV_BURDEN)


def _burden(score: pd.Series, group: pd.Series, borrowed: pd.Series) -> pd.DataFrame:
    """Numbers, share and score quantiles by group, in the order of `CNV_GROUPS`."""
    scores = score.groupby(group)
    table = pd.DataFrame({f"score_{name}": scores.quantile(q) for name, q in QUANTILES.items()})
    table["n_cells"] = scores.size()
    table["n_borrowed"] = borrowed.astype(int).groupby(group).sum()
    n_query = (group != "reference").sum()
    table["share"] = np.where(table.index == "reference", 1.0, table["n_cells"] / max(n_query, 1))
    return table.reindex([name for name in CNV_GROUPS if name in table.index]).rename_axis("group").reset_index()
