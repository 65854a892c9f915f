"""What the Python API takes: memory, backed, paths, views, layers; and what it says of what it cannot take."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from small_reference import LABELS, counts_of

import cellcohort as cc
from cellcohort.core.errors import InputError


def cells_of(n_cells: int = 120, *, seed: int = 1) -> ad.AnnData:
    """Cells of the made-up types, whose counts pass the quality control of a small panel."""
    labels = np.resize(np.array(LABELS, object), n_cells)
    counts = counts_of(labels, seed=seed)
    obs = pd.DataFrame(
        {"truth": labels, "who": np.resize(["A", "B"], n_cells)}, index=[f"c{i}" for i in range(n_cells)]
    )
    return ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"GENE{i}" for i in range(counts.shape[1])]))


@pytest.fixture(scope="module")
def model(bundle) -> Path:
    return bundle.folder


@pytest.fixture(scope="module")
def expected(model) -> pd.DataFrame:
    cells = cells_of()
    cc.annotate(cells, model)
    return cells.obs


def test_cells_are_named(expected):
    passed = expected[expected["qc_pass"]]
    assert len(passed) > 100
    assert (passed["label"].astype(str) == passed["truth"]).mean() > 0.9


def test_a_higher_coverage_names_more_of_the_types_that_a_cell_lies_between(model):
    cells, rng = cells_of(), np.random.default_rng(0)
    counts = cells.X.toarray().astype(int)
    cells.X = sparse.csr_matrix(
        (rng.binomial(counts, 0.5) + rng.binomial(np.roll(counts, 1, 0), 0.5)).astype("float32")
    )
    few, many = (cc.annotate(cells, model, coverage=level, copy=True).obs for level in (0.8, 0.99))
    passed = few["qc_pass"]
    assert few["label"].equals(many["label"])
    sets, larger = (obs.loc[passed, "label_set"].astype(str).str.split("|") for obs in (few, many))
    assert (sets.str[0] == few.loc[passed, "label"].astype(str)).all()
    assert all(set(a) <= set(b) for a, b in zip(sets, larger, strict=True))
    assert larger.str.len().sum() > sets.str.len().sum()


def test_a_path_and_a_backed_file_give_the_same(model, expected, tmp_path):
    cells_of().write_h5ad(tmp_path / "cells.h5ad")
    from_path = cc.annotate(tmp_path / "cells.h5ad", model)
    written = expected.columns.drop(["truth", "who"])  # text of a file is read as categories
    pd.testing.assert_frame_equal(from_path.obs[written], expected[written], check_exact=True)
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    assert cc.annotate(backed, model) is None
    assert backed.isbacked
    assert backed.obs["label"].tolist() == expected["label"].tolist()


def test_what_was_renamed_in_a_backed_anndata_counts(model, expected, tmp_path):
    cells = cells_of()
    cells.var["name"] = cells.var_names
    cells.var_names = [f"ENSX{i}" for i in range(cells.n_vars)]
    cells.write_h5ad(tmp_path / "cells.h5ad")
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    backed.var_names = backed.var["name"].astype(str)
    backed.obs_names = [f"new {name}" for name in backed.obs_names]
    cc.annotate(backed, model)
    assert backed.obs["ood_score"].tolist() == pytest.approx(expected["ood_score"].tolist(), nan_ok=True)
    assert backed.obs_names[0].startswith("new")


@pytest.mark.parametrize("place", ["raw", "layers/counts"])
def test_counts_lie_where_they_are_said_to(model, expected, place):
    cells = cells_of()
    if place == "raw":
        cells.raw = cells
    else:
        cells.layers["counts"] = cells.X.copy()
    cells.X = cells.X.copy() * 0.37
    cc.annotate(cells, model, counts=place)
    assert cells.obs["ood_score"].equals(expected["ood_score"])


def test_a_copy_and_a_view_leave_what_was_given_as_it_was(model, expected):
    cells = cells_of()
    copied = cc.annotate(cells, model, copy=True)
    assert "label" not in cells.obs
    assert copied.obs["label"].tolist() == expected["label"].tolist()
    view = cells[:60]
    assert cc.annotate(view, model) is None
    assert not view.is_view
    assert "label" in view.obs
    assert "label" not in cells.obs


def test_genes_by_a_column(model, expected):
    cells = cells_of()
    cells.var["name"] = cells.var_names
    cells.var_names = [f"ENSX{i}" for i in range(cells.n_vars)]
    cc.annotate(cells, model, genes="name")
    assert cells.obs["ood_score"].equals(expected["ood_score"])


def test_without_quality_control_every_cell_is_taken(model):
    cells = cells_of()
    cells.X[0] = 0
    cells.var_names = ["MT-CO1", *cells.var_names[1:]]
    cells.X[:40, 0] = 99  # a share of mitochondrial genes that no limit of the sample's own lets pass
    cc.annotate(cells, model, qc=False)
    assert cells.obs["qc_pass"].all()
    assert cells.obs["label"].notna().all()


def test_patients_are_judged_apart(model):
    cells = cells_of()
    cc.annotate(cells, model, patient="who")
    alone = cells_of()[cells_of().obs["who"] == "A"].copy()
    cc.annotate(alone, model)
    assert cells.obs.loc[alone.obs_names, "ood_pvalue"].tolist() == alone.obs["ood_pvalue"].tolist()
    assert cells.uns["cellcohort"]["patients"]["patient"].tolist() == ["A", "B"]


def test_a_patient_that_cannot_be_used_does_not_stop_the_others(model, caplog):
    cells = cells_of()
    cells.X[(cells.obs["who"] == "B").to_numpy()] = 0
    cc.annotate(cells, model, patient="who")
    of_b = cells.obs["who"] == "B"
    assert not cells.obs.loc[of_b, "qc_pass"].any()
    assert cells.obs.loc[of_b, "label"].isna().all()
    assert cells.obs.loc[~of_b, "label"].notna().any()
    facts = cells.uns["cellcohort"]["patients"].set_index("patient")
    assert facts.loc["B", "status"] == "rejected"
    assert facts.loc["B", "reason"].startswith("adata: 0 of 60 cells passed")
    assert "0 of 60 cells passed" in caplog.text


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda cells: None, {"patient": "patient"}, "obs has no column 'patient'. Set patient to one of: truth, who."),
        (lambda cells: None, {"counts": "layers/counts"}, "counts 'layers/counts' is not there. Choose one of X."),
        (lambda cells: None, {"device": "gpu"}, "config: train.device: 'gpu' is not one of"),
        (lambda cells: None, {"alpha": 2.0}, "config: ood.alpha: 2.0 is greater than or equal to"),
        (lambda cells: None, {"coverage": 0.5}, "config: labels.coverage: 0.5 is not one of"),
        (lambda cells: None, {"genes": "name"}, "adata: genes 'name' is not a column of var."),
        (
            lambda cells: cells.obs.__setitem__("who", ["A", None] * 60),
            {"patient": "who"},
            "has no patient for the cell",
        ),
        (lambda cells: setattr(cells, "obs_names", ["c"] * 120), {}, "adata: obs_names: 'c' occurs more than once."),
        (lambda cells: setattr(cells, "X", cells.X * -1.5), {}, "adata: "),
        (lambda cells: setattr(cells, "X", cells.X * 0), {}, "adata: 0 of 120 cells passed quality control"),
    ],
)
def test_what_cannot_be_taken_is_told_in_the_users_words(model, change, arguments, message):
    cells = cells_of()
    change(cells)
    with pytest.raises(InputError) as told:
        cc.annotate(cells, model, **arguments)
    assert message in str(told.value)
    assert "/tmp" not in str(told.value)


def test_evidence_is_asked_for_in_order(model):
    with pytest.raises(InputError, match=r"Call annotate\(adata, bundle\) first"):
        cc.infer_cnv(cells_of())
    with pytest.raises(InputError, match="nowhere"):
        cc.annotate(cells_of(), "nowhere")


def test_a_verdict_annotates_first_where_that_was_not_done(model):
    cells = cells_of()
    cc.assign_verdict(cells, model)
    assert set(cells.obs.loc[cells.obs["qc_pass"], "verdict"]) <= {"normal", "malignant", "unexplained", "unsure"}
    assert cells.obs.loc[cells.obs["qc_pass"], "p_malignant"].between(0, 1).all()


def test_another_annotation_leaves_nothing_of_the_earlier_one(model):
    cells = cells_of()
    cc.annotate(cells, model)
    cc.infer_cnv(cells)
    cc.assign_verdict(cells, model)
    cc.annotate(cells, model, patient="who")
    assert not {"cnv_call", "clone", "verdict", "reason"} & set(cells.obs)
    assert not {"X_cnv", "X_cnv_evidence"} & set(cells.obsm)
    cc.assign_verdict(cells, model)
    assert "verdict" in cells.obs


def test_columns_of_the_users_own_are_not_replaced_in_silence(model, caplog):
    cells = cells_of()
    cells.obs["label"] = "mine"
    cc.annotate(cells, model)
    assert "obs columns are replaced: label" in caplog.text


def test_cells_without_any_label_are_told(model):
    cells = cells_of()
    cells.X[(cells.obs["who"] == "B").to_numpy()] = 0
    cc.annotate(cells, model, patient="who")
    of_b = cells[cells.obs["who"] == "B"].copy()
    for function in (cc.infer_cnv, cc.pl.ood_scores):
        with pytest.raises(InputError, match="none of its cells has a label"):
            function(of_b)


def test_the_patients_column_is_asked_for_again(model):
    cells = cells_of()
    cc.annotate(cells, model, patient="who")
    del cells.obs["who"]
    with pytest.raises(InputError, match="obs has no column 'who'"):
        cc.assign_verdict(cells, model)


def test_training_refuses_a_folder_that_is_in_use_and_a_label_that_is_not_there(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="it is there already"):
        cc.train(cells_of(), label="truth", out=tmp_path / "model")
    with pytest.raises(InputError, match="adata: obs has no column 'cell_type'"):
        cc.train(cells_of(), label="cell_type", out=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_the_package_shows_what_is_for_users_alone():
    assert set(dir(cc)) == {"train", "annotate", "explain", "infer_cnv", "assign_verdict", "pl", "__version__"}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cc.nothing
