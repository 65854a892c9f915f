"""Pictures of the API: what is drawn are the numbers that the other functions wrote."""

from __future__ import annotations

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import cellcohort as cc
from cellcohort.api.adata_tables import POSITIONAL_KEY, UNS
from cellcohort.api.annotate_cells import Explanation
from cellcohort.core.errors import InputError


@pytest.fixture(autouse=True)
def close_figures():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture
def cells() -> ad.AnnData:
    """Ten cells of two patients; the last failed quality control."""
    obs = pd.DataFrame(
        {
            "who": ["A"] * 4 + ["B"] * 6,
            "qc_pass": [True] * 9 + [False],
            "label": pd.Categorical([*"TTTB", *"TBBBB", None]),
            "ood_pvalue": [0.001, 0.01, 0.04, 0.2, 0.3, 0.5, 0.6, 0.8, 0.9, np.nan],
        },
        index=[f"c{i}" for i in range(10)],
    )
    arms = pd.DataFrame(
        {
            "patient_id": ["A"] * 3 + ["B"] * 3,
            "clone": ["clone 1"] * 3 + [None] * 3,
            "arm": ["10p", "1p", "2q"] * 2,
            "log2_ratio": [0.5, -0.4, 0.0, 0.1, 0.1, 0.1],
            "call": [1, -1, 0, 0, 0, 0],
        }
    )
    facts = {"patient": "who", "alpha": 0.05, "cnv_arms": arms.astype({"clone": "category"})}
    table = pd.DataFrame({"z": np.zeros(10)}, index=obs.index)
    return ad.AnnData(np.ones((10, 2), np.float32), obs=obs, obsm={POSITIONAL_KEY: table}, uns={UNS: facts})


def test_composition_is_of_the_cells_that_passed(cells):
    ax = cc.pl.composition(cells)
    widths = {
        (bar.get_y() > 0.5, container.get_label()): bar.get_width() for container in ax.containers for bar in container
    }
    assert widths == {(False, "T"): 0.75, (False, "B"): 0.25, (True, "T"): 0.2, (True, "B"): 0.8}
    assert [text.get_text() for text in ax.get_yticklabels()] == ["A (4 cells)", "B (5 cells)"]


def test_pvalues_stand_against_their_null(cells):
    given = plt.subplots()[1]
    ax = cc.pl.ood_scores(cells, ax=given)
    assert ax is given
    assert "33.3% unlike the reference at 0.05" in ax.get_title(loc="left")
    assert ax.lines[1].get_xdata().tolist() == sorted(cells.obs["ood_pvalue"].dropna())


def test_programs_are_drawn_by_what_they_add():
    weights = pd.DataFrame(
        [
            ("T", 0, "CD3D", 0.4),
            ("T", 0, "CD2", 0.2),
            ("T", 3, "IL32", 0.5),
            ("T", None, "X", 9.0),
            ("B", 0, "CD79A", 1.0),
        ],
        columns=["label", "slot", "symbol", "weight"],
    )
    ax = cc.pl.programs(Explanation(weights, weights), "T")
    names = [text.get_text() for text in ax.get_yticklabels()][::-1]
    assert names == ["CD3D  (slot 0)", "CD2  (slot 0)", "IL32  (slot 3)"]
    with pytest.raises(InputError, match=r"no program of 'NK'. Known are: B, T"):
        cc.pl.programs(Explanation(weights, weights), "NK")


def test_arms_stand_in_the_order_of_the_genome_and_called_ones_are_marked(cells):
    ax = cc.pl.arms(cells)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1p", "2q", "10p"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["A, clone 1"]
    assert sorted(float(line.get_xdata()[0]) for line in ax.lines) == [0, 2]
    assert ax.images[0].get_array().tolist() == [[-0.4, 0.0, 0.5]]


def test_what_is_not_there_is_asked_for(cells):
    with pytest.raises(InputError, match="obs has no column 'verdict'"):
        cc.pl.composition(cells, key="verdict")
    with pytest.raises(InputError, match="not annotated"):
        cc.pl.ood_scores(ad.AnnData(np.ones((2, 2))))
    with pytest.raises(InputError, match=r"Call infer_cnv\(adata\) first"):
        cc.pl.arms(ad.AnnData(np.ones((2, 2))))
