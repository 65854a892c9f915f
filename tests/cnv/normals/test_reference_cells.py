"""Cells with positional evidence never serve, whatever their label; a table says what did and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cnv_patients import EVENTS, call, patient, sample

from cellcohort.cnv.normals.reference_cells import annotated_cells
from cellcohort.cnv.patient_samples import Sample
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import CNV_REFERENCE


def evidence(one: Sample, pvalue: np.ndarray | float, group: np.ndarray | int = 0) -> pd.DataFrame:
    """Positional evidence of each annotated cell, in another order than the annotation."""
    table = pd.DataFrame({
        "cell_id": one.annotation["cell_id"].to_numpy(), "pvalue": pvalue, "group": group, "group_pvalue": np.nan,
    })  # fmt: skip
    return table[::-1].reset_index(drop=True)


@pytest.fixture
def normal(tmp_path) -> Sample:
    return sample(tmp_path, patient({"T": 80, "B": 60, "M": 60}, seed=7), "s1")


def test_cells_with_evidence_never_serve(normal) -> None:
    chosen = np.arange(len(normal.annotation)) % 5 == 0
    pvalue = np.where(chosen, 5e-3, np.where(np.arange(len(chosen)) % 2, np.nan, 0.5))
    result = call([replace(normal, positional=evidence(normal, pvalue))])
    assert not (result.cells["role"] == "reference")[chosen].any()
    assert (result.cells["role"] == "reference")[~chosen].any()
    table = result.reference
    assert table.loc[table["why"].str.contains("blocks along the genome"), "n_cells"].sum() == chosen.sum()
    as_table(table.assign(patient_id="p"), CNV_REFERENCE)


def test_no_evidence_changes_nothing(normal) -> None:
    table = evidence(normal, np.nan, np.arange(len(normal.annotation)) % 2)
    a, b = call([normal]), call([replace(normal, positional=table)])
    pd.testing.assert_frame_equal(a.cells, b.cells)
    pd.testing.assert_frame_equal(a.arms, b.arms)


@pytest.mark.parametrize(("number", "lineage"), [(19, "label in doubt"), (20, "T, label in doubt")])
def test_strong_evidence_makes_a_lineage_of_its_own(normal, number, lineage) -> None:
    chosen = np.flatnonzero(normal.annotation["label"] == "T")[:number]
    pvalue = np.full(len(normal.annotation), np.nan)
    pvalue[chosen] = 1e-3
    cells = call([replace(normal, positional=evidence(normal, pvalue))]).cells
    assert set(cells["lineage"].iloc[chosen]) == {lineage}
    assert lineage not in set(cells["lineage"].drop(index=chosen))


def test_why_a_cell_cannot_be_normal(normal) -> None:
    annotation = normal.annotation.reset_index(drop=True)
    annotation.loc[0, "confidence"] = np.nan
    annotation.loc[1, "is_ood"] = True
    annotation.loc[2:, "label"] = "B"
    annotation.loc[3, "label"] = "M"
    obs = annotated_cells([replace(normal, annotation=annotation)], ["T", "B"], 0.8)
    assert obs["why"].iloc[:4].fillna("").tolist()[1:] == [
        "unlike the reference", "", "label not among cnv.normal_labels",
    ]  # fmt: skip
    assert annotated_cells([], [], 0.8).empty


def test_the_table_counts_every_cell(tmp_path) -> None:
    one = sample(tmp_path, patient({"T": 100, "B": 60, "M": 8, "E/1": 40}, EVENTS, seed=7), "s1")
    result = call([one])
    table, cells = result.reference, result.cells
    assert table["n_cells"].sum() == len(cells)
    assert table.loc[table["used"], "n_cells"].sum() == (cells["role"] == "reference").sum()
    why = table.groupby("label")["why"].unique().map(set)
    assert why["T"] == {"nothing against it", "held out, as a control", "unlike the reference"}
    assert why["M"] == {"fewer than 15 normal cells of the label"}


def test_without_a_trusted_cell_all_is_undetermined(normal, caplog) -> None:
    result = call([replace(normal, positional=evidence(normal, 1e-6))])
    assert (result.cells["cnv_call"] == "undetermined").all()
    assert not result.reference["used"].any()
    assert result.normals is None
    assert "No label is left that could serve" in caplog.text
