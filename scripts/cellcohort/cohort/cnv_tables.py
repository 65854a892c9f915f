"""Cohort tables of copy number: arms, cells by group, and the burden of each sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..cnv.cell_groups import DOUBTED, POOL
from ..outputs.parquet import concat_frames, read_frame
from ..outputs.schemas import CNV_BURDEN, QUANTILES

_BURDEN_GROUPS = ("reference", "aneuploid", "diploid", "undetermined")


def count_groups(cells: pd.DataFrame) -> pd.DataFrame:
    """Query cells of one sample by group: `schemas.CNV_GROUPS`.

    The label is missing where the lineage holds cells of any label.

    Parameters
    ----------
    cells
        The sample's cnv_cells table with sample_id and patient_id.
    """
    cells = cells[cells["role"] == "query"]
    cells = cells.assign(label=cells["label"].where(~cells["lineage"].isin([POOL, DOUBTED]), None))
    keys = ["sample_id", "patient_id", "lineage", "is_ood", "cnv_call", "label", "clone"]
    return cells.groupby(keys, dropna=False, sort=True).size().rename("n_cells").reset_index()


def collect_cnv_arms(paths: Sequence[str | Path], samples: Sequence[dict]) -> Iterator[pd.DataFrame]:
    """The samples' chromosome-arm tables, one after the other (`schemas.COHORT_CNV_ARMS`)."""
    for path, sample in zip(paths, samples, strict=True):
        yield read_frame(path).assign(sample_id=sample["sample_id"])


def cnv_groups(paths: Sequence[str | Path], samples: Sequence[dict]) -> Iterator[pd.DataFrame]:
    """Cells of each sample by group, of the samples' cnv_cells.parquet (`schemas.CNV_GROUPS`)."""
    for path, sample in zip(paths, samples, strict=True):
        cells = read_frame(path, ["role", "lineage", "cnv_call", "clone", "label", "is_ood"])
        yield count_groups(cells.assign(sample_id=sample["sample_id"], patient_id=sample["patient_id"]))


def cnv_burden(paths: Sequence[str | Path], samples: Sequence[dict]) -> pd.DataFrame:
    """Copy-number burden of each sample (`schemas.CNV_BURDEN`).

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
    """Numbers, share and score quantiles by group, in the order of `_BURDEN_GROUPS`."""
    scores = score.groupby(group)
    table = pd.DataFrame({f"score_{name}": scores.quantile(q) for name, q in QUANTILES.items()})
    table["n_cells"] = scores.size()
    table["n_borrowed"] = borrowed.astype(int).groupby(group).sum()
    n_query = (group != "reference").sum()
    table["share"] = np.where(table.index == "reference", 1.0, table["n_cells"] / max(n_query, 1))
    return table.reindex([name for name in _BURDEN_GROUPS if name in table.index]).rename_axis("group").reset_index()
