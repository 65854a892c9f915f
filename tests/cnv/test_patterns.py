"""Which of two groups of a lineage is the normal one, where the labels do not say it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cnv_patients import ARMS, patient, positions

from cellcohort.cnv.call_copy_number import call_copy_number

FEW = {"1p": 0.5, "3q": 1.5}
MANY = FEW | {"2q": 1.5, "4p": 0.5}


def call(sizes: dict[str, int], events: dict[str, float], share: float = 0.8, *, seed: int = 3) -> pd.DataFrame:
    """Cells of T, T/1 (malignant) and others, of which `share` of each group is labelled normal; calls by group."""
    adata = patient(sizes, {"T/1": events}, seed=seed)
    adata.obs["reference"] = np.random.default_rng(0).random(adata.n_obs) < share
    cells = call_copy_number(adata, lineage="lineage", reference="reference", positions=positions(), arms=ARMS).cells
    return cells.assign(group=adata.obs["group"].to_numpy())


def share_of(cells: pd.DataFrame, group: str, call: str) -> float:
    return (cells.loc[cells["group"] == group, "cnv_call"] == call).mean()


@pytest.mark.parametrize("events", [FEW, MANY], ids=["two arms", "four arms"])
@pytest.mark.parametrize("sizes", [{"T": 20, "T/1": 100}, {"T": 60, "T/1": 60}, {"T": 12, "T/1": 120}], ids=str)
def test_of_an_only_lineage_nothing_tells_the_tumour(sizes, events) -> None:
    cells = call(sizes, events)
    assert share_of(cells, "T", "aneuploid") == 0
    assert share_of(cells, "T/1", "diploid") < 0.05
    undecided = cells["cnv_call"] == "undetermined"
    assert cells.loc[undecided, "reason"].str.contains("nothing tells which").mean() > 0.9


def test_other_lineages_tell_a_tumour_that_outnumbers_the_normal_cells() -> None:
    cells = call({"T": 25, "T/1": 100, "B": 60, "M": 60}, MANY)
    assert share_of(cells, "T/1", "aneuploid") > 0.95
    for group in ("T", "B", "M"):
        assert share_of(cells, group, "aneuploid") == 0


def test_a_group_of_two_arms_that_is_labelled_normal_may_be_a_cell_state() -> None:
    cells = call({"T": 80, "T/1": 40, "B": 60, "M": 60}, FEW)
    assert share_of(cells, "T/1", "undetermined") > 0.95
    assert share_of(cells, "T", "diploid") > 0.95


def test_a_group_of_an_only_lineage_without_normal_labels_is_the_tumour() -> None:
    adata = patient({"T": 80, "T/1": 40}, {"T/1": FEW}, seed=3)
    cells = call_copy_number(adata, lineage="lineage", reference="reference", positions=positions(), arms=ARMS).cells
    cells = cells.assign(group=adata.obs["group"].to_numpy())
    assert share_of(cells, "T/1", "aneuploid") > 0.95
    assert share_of(cells, "T", "aneuploid") == 0
