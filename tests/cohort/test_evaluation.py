from __future__ import annotations

import re
import shutil

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from annotated import annotated
from sklearn.metrics import f1_score, roc_auc_score

from cellcohort.cohort import evaluation
from cellcohort.cohort.bootstrap import CellCounter, metrics
from cellcohort.outputs import parquet, schemas
from cellcohort.outputs.parquet import as_table, write_table
from cellcohort.outputs.schemas import CONFUSION, EVALUATION


def make_cells(n: int = 600, *, patients: int = 2, seed: int = 0, unknown: float = 0.2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    truth = rng.choice(["B", "NK", "T", "tumour"], n, p=[*(3 * [(1 - unknown) / 3]), unknown])
    known = truth != "tumour"
    right = known & (rng.random(n) < 0.9)
    score = np.where(known, rng.normal(0, 1, n), rng.normal(1.5, 1, n))
    return pd.DataFrame({
        "sample_id": [f"s{i % patients}" for i in range(n)],
        "patient_id": [f"p{i % patients}" for i in range(n)],
        "truth": truth,
        "known": known,
        "label": np.where(right, truth, rng.choice(["B", "NK", "T"], n)),
        "confidence": rng.uniform(0.5, 1, n),
        "ood_score": score,
        "is_ood": score > 1.6,
    })  # fmt: skip


def value(table: pd.DataFrame, level: str, name: str, metric: str) -> pd.Series:
    rows = table[(table["level"] == level) & (table["name"] == name) & (table["metric"] == metric)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_metrics_are_those_of_scikit_learn():
    cells = make_cells()
    table = as_table(evaluation.evaluate(cells), EVALUATION).to_pandas()
    known = cells[cells["known"]]
    macro_f1 = f1_score(known["truth"], known["label"], average="macro")
    assert value(table, "cohort", "cohort", "macro_f1")["value"] == pytest.approx(macro_f1)
    auroc = roc_auc_score(~cells["known"], cells["ood_score"])
    assert value(table, "cohort", "cohort", "ood_auroc")["value"] == pytest.approx(auroc)
    recall = cells.loc[~cells["known"], "is_ood"].mean()
    assert value(table, "type", "tumour", "ood_recall")["value"] == pytest.approx(recall)
    assert value(table, "cohort", "cohort", "ood_recall")["n_cells"] == (~cells["known"]).sum()


def test_intervals_hold_their_value_and_narrow_with_more_cells():
    narrow, wide = (evaluation.evaluate(make_cells(n)) for n in (4000, 250))
    for table in (narrow, wide):
        overall = table[table["level"] == "cohort"]
        assert (overall["low"] - 0.012 <= overall["value"]).all()
        assert (overall["value"] <= overall["high"] + 0.012).all()
    width = [value(table, "cohort", "cohort", "accuracy") for table in (narrow, wide)]
    assert width[0]["high"] - width[0]["low"] < 0.5 * (width[1]["high"] - width[1]["low"])


def test_bootstrap_interval_has_the_width_of_theory():
    row = value(evaluation.evaluate(make_cells(2000), n_resamples=2000), "cohort", "cohort", "accuracy")
    deviation = np.sqrt(row["value"] * (1 - row["value"]) / row["n_cells"])
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_metrics_of_counts_agree_with_those_of_the_cells():
    cells = make_cells(3000)
    counted = {name: drawn[0] for name, drawn in metrics(CellCounter(cells)(cells)).items()}
    table = evaluation.evaluate(cells, n_resamples=2)
    for name, found in counted.items():
        assert found == pytest.approx(value(table, "cohort", "cohort", name)["value"], abs=0.01), name


def test_order_of_cells_changes_nothing():
    cells = make_cells()
    shuffled = cells.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(evaluation.evaluate(cells), evaluation.evaluate(shuffled))


def test_other_patients_move_nothing_of_a_patient():
    cells = make_cells(patients=4)
    others = cells["patient_id"] != "p0"
    cells.loc[others, "ood_score"] *= 7
    cells.loc[others & (cells["label"] == "T"), "label"] = "a type of their own"
    of_patient = [
        table[table["name"].isin(["p0", "s0"])].reset_index(drop=True)
        for table in (evaluation.evaluate(cells), evaluation.evaluate(cells[~others]))
    ]
    assert len(of_patient[0]) == 16
    pd.testing.assert_frame_equal(*of_patient)


def test_cohort_interval_resamples_patients_when_they_are_enough():
    alike = make_cells(3000, patients=6)
    one_fails = alike.copy()
    failed = one_fails["patient_id"] == "p0"
    one_fails.loc[failed, "label"] = "B"
    widths = [
        row["high"] - row["low"]
        for row in (value(evaluation.evaluate(c), "cohort", "cohort", "accuracy") for c in (alike, one_fails))
    ]
    assert widths[1] > 3 * widths[0]


@pytest.mark.parametrize(("unknown", "absent"), [(0.0, "ood_auroc"), (1.0, "accuracy")])
def test_metrics_that_are_not_defined_are_left_out(unknown, absent):
    table = evaluation.evaluate(make_cells(100, unknown=unknown))
    assert len(table) > 0
    assert absent not in set(table["metric"])
    assert table["value"].notna().all()


def test_calibration_error_by_hand():
    confidence, correct = np.array([0.95, 0.95, 0.55, 0.55]), np.array([True, True, True, False])
    assert evaluation.expected_calibration_error(confidence, correct) == pytest.approx(0.05)


def write_sample(folder, truth: list[str | None]):
    names = [f"c{i}" for i in range(len(truth))]
    obs = pd.DataFrame({"cell_type": pd.Categorical(truth)}, index=names)
    var = pd.DataFrame(index=["CD3E", "MS4A1"])
    ad.AnnData(sp.csr_matrix(np.ones((len(truth), 2), "float32")), obs=obs, var=var).write_h5ad(folder / "s.h5ad")
    annotation = pd.DataFrame({"cell_id": names[::-1], "label": "T"})
    annotation = annotated(annotation.assign(sample_id="s", patient_id="p", confidence=0.9))
    write_table(folder / "annotation.parquet", annotation, schemas.ANNOTATION)
    return {"annotation": folder / "annotation.parquet", "counts": [folder / "s.h5ad"], "labels": ["T", "B"]}


def test_truth_is_joined_by_cell_and_missing_truth_left_out(tmp_path):
    paths = write_sample(tmp_path, ["T", None, "B", "tumour"])
    sheet = [{"sample_id": "s", "patient_id": "p", "truth": "cell_type"}]
    cells = evaluation.load_cells(sheet, **paths)
    assert cells["truth"].tolist() == ["tumour", "B", "T"]
    assert cells["known"].tolist() == [False, True, True]
    assert as_table(evaluation.confusion(cells), CONFUSION).num_rows == 3


def test_truth_is_stripped_and_empty_truth_is_missing(tmp_path):
    paths = write_sample(tmp_path, [" T", "", "B ", "  "])
    sheet = [{"sample_id": "s", "patient_id": "p", "truth": "cell_type"}]
    cells = evaluation.load_cells(sheet, **paths)
    assert cells["truth"].tolist() == ["B", "T"]
    assert cells["known"].all()


def test_a_truth_of_other_names_is_not_scored(tmp_path, caplog):
    paths = write_sample(tmp_path, ["T lymphocyte", "B lymphocyte", "unknown"])
    sheet = [{"sample_id": "s", "patient_id": "p", "truth": "cell_type"}]
    cells = evaluation.load_cells(sheet, **paths)
    assert cells.empty
    assert as_table(evaluation.evaluate(cells), EVALUATION).num_rows == 0
    assert as_table(evaluation.confusion(cells), CONFUSION).num_rows == 0
    assert "'cell_type' is not evaluated, as none of its names (B lymphocyte, T lymphocyte)" in caplog.text


def test_words_for_no_truth_are_no_type_that_the_reference_lacks(tmp_path):
    paths = write_sample(tmp_path, ["T", "unknown", "nan", "Unassigned", "tumour"])
    cells = evaluation.load_cells([{"sample_id": "s", "patient_id": "p", "truth": "cell_type"}], **paths)
    assert cells["truth"].tolist() == ["tumour", "T"]


def test_a_truth_column_that_is_not_there_is_named(tmp_path, caplog):
    paths = write_sample(tmp_path, ["T"])
    cells = evaluation.load_cells([{"sample_id": "s", "patient_id": "p", "truth": "truth_label"}], **paths)
    assert re.search(r"sample s .*no column 'truth_label'.*Name one of: cell_type", caplog.text)
    assert as_table(evaluation.evaluate(cells), EVALUATION).num_rows == 0


def test_a_truth_that_cannot_be_read_leaves_the_other_samples(tmp_path, caplog):
    paths = write_sample(tmp_path, ["T", "B"])
    shutil.copy(tmp_path / "s.h5ad", tmp_path / "short.h5ad")
    with h5py.File(tmp_path / "short.h5ad", "r+") as file:
        codes = file["obs/cell_type/codes"][:1]
        del file["obs/cell_type/codes"]
        file["obs/cell_type/codes"] = codes
    annotation = pd.concat([pd.read_parquet(paths["annotation"]).assign(sample_id=name) for name in ("s", "short")])
    write_table(paths["annotation"], annotated(annotation), schemas.ANNOTATION)
    sheet = [{"sample_id": name, "patient_id": "p", "truth": "cell_type"} for name in ("s", "short")]
    paths["counts"] = [tmp_path / "s.h5ad", tmp_path / "short.h5ad"]
    cells = evaluation.load_cells(sheet, **paths)
    assert cells["sample_id"].unique().tolist() == ["s"]
    assert "'cell_type' of /obs has 1 values for 2 rows" in caplog.text


def test_a_rejected_sample_is_not_opened(tmp_path):
    write_table(tmp_path / "annotation.parquet", parquet.empty(schemas.ANNOTATION), schemas.ANNOTATION)
    sheet = [{"sample_id": "s", "patient_id": "p", "truth": "cell_type"}]
    cells = evaluation.load_cells(
        sheet, annotation=tmp_path / "annotation.parquet", counts=[tmp_path / "broken.h5ad"], labels=["T"]
    )
    assert as_table(evaluation.evaluate(cells), EVALUATION).num_rows == 0
    assert as_table(evaluation.confusion(cells), CONFUSION).num_rows == 0


def test_no_truth_column_gives_empty_tables():
    cells = evaluation.load_cells([{"sample_id": "s"}], annotation="a", counts=["c"], labels=["T"])
    assert as_table(evaluation.evaluate(cells), EVALUATION).num_rows == 0


def test_a_known_type_has_its_own_rate_of_false_alarms_and_an_unknown_one_its_recall():
    cells = make_cells()
    table = evaluation.evaluate(cells)
    for name in ("B", "NK", "T"):
        found = value(table, "type", name, "ood_false_alarm_rate")
        assert found["value"] == pytest.approx(cells.loc[cells["truth"] == name, "is_ood"].mean())
    metrics_of = table[table["level"] == "type"].groupby("name")["metric"].agg(set)
    assert metrics_of["tumour"] == {"ood_auroc", "ood_aupr", "ood_recall"}
    assert metrics_of["T"] == {"recall", "precision", "f1", "ood_false_alarm_rate"}
