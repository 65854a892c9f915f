"""Events planted into a patient's own normal cells: the more of it, the sooner it is found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cnv_patients import EVENTS, call, patient, sample

from cellcohort.cnv.normals.limits import MAX_FALSE, find_limits
from cellcohort.cnv.settings import Settings
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import CNV_LIMITS


def limits(folder, depth: int, number: int = 800, events=None) -> pd.DataFrame:
    sizes = {"T": number, "B": 60, "M": 60} | ({"E/1": 80} if events else {})
    one = sample(folder, patient(sizes, events, depth=depth, seed=7), f"s{depth}")
    return find_limits(call([one]).normals, Settings())


def test_more_arms_and_more_depth_lower_the_limit(tmp_path) -> None:
    deep, shallow = limits(tmp_path, 3000), limits(tmp_path, 250)
    for table in (deep, shallow):
        assert table["arms"].tolist() == [1, 1, 3, 3, 6, 6]
        for _, part in table.groupby("log2_ratio"):
            assert part["share"].fillna(1).is_monotonic_decreasing
        assert (table.loc[table["share"].notna(), "false_rate"] <= MAX_FALSE).all()
    assert (deep["share"].fillna(1) <= shallow["share"].fillna(1)).all()
    assert deep["share"].notna().all()
    assert shallow["share"].isna().any()
    as_table(deep.assign(patient_id="p"), CNV_LIMITS)


def test_the_same_every_time(tmp_path) -> None:
    pd.testing.assert_frame_equal(limits(tmp_path, 3000, 200), limits(tmp_path, 3000, 200))


def test_the_patients_own_events_do_not_matter(tmp_path) -> None:
    assert (limits(tmp_path, 3000, 400, EVENTS)["false_rate"] < MAX_FALSE).all()


def test_too_few_cells_show_nothing(tmp_path) -> None:
    assert limits(tmp_path, 3000, 40)["share"].isna().all()


@pytest.mark.parametrize("columns", [["arms", "log2_ratio", "share", "false_rate"]])
def test_without_normal_cells_there_are_no_rows(columns) -> None:
    table = find_limits(None, Settings())
    assert table.columns.tolist() == columns
    assert as_table(table.assign(patient_id="p"), CNV_LIMITS).num_rows == 0
    assert np.isfinite(len(table))
