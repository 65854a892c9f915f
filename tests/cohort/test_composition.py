from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from annotated import annotated

from cellcohort.annotation.program_quality import QUALITY
from cellcohort.cohort.cnv_tables import cnv_burden, cnv_groups, collect_cnv_arms
from cellcohort.cohort.composition import collect_annotation, collect_origins
from cellcohort.cohort.mean_explanations import mean_gene_scores, mean_programs
from cellcohort.cohort.sample_status import collect_status
from cellcohort.core.files import write_json
from cellcohort.outputs import parquet, schemas
from cellcohort.outputs.parquet import as_table, read_frame, write_batches, write_table
from cellcohort.outputs.schemas import CNV_BURDEN, CNV_GROUPS, COHORT_CNV_ARMS, COMPOSITION, OOD, ORIGINS, SAMPLES

SHEET = [{"sample_id": "s1", "patient_id": "p1"}, {"sample_id": "s2", "patient_id": "p1"}]


def write_annotation(path, sample: dict, labels: list[str], flags: list[bool]):
    ids, scores = [f"c{i}" for i in range(len(labels))], np.arange(len(labels)) * 1.0
    frame = pd.DataFrame({"cell_id": ids, "label": labels, "is_ood": flags, "origin": labels, "ood_score": scores})
    frame = annotated(frame.assign(**sample))
    write_table(path, frame, schemas.ANNOTATION)
    return path


def write_shift(path, *, shift: float, in_doubt: bool, without: float | None, whatever=None, n_anchors: int = 2):
    shares = {"ood_share_without_shift": without, "ood_share_whatever_the_shift": whatever, "held_out_accuracy": 0.75}
    write_json(path, {"shift": shift, "in_doubt": in_doubt, "n_anchors": n_anchors} | shares)


def write_scores(folder, name: str, label: str, n_cells: int, score: float):
    columns = {"score": score, "n_cells": n_cells, "workspace": score / 2, "detected": 1 - score}
    scores = pd.DataFrame({"label": label, "symbol": "CD3E"} | columns, index=[0])
    programs = pd.DataFrame({"label": [label], "slot": [0], "symbol": ["CD3E"], "weight": [score]})
    programs = programs.assign(stability=0.9, coverage=score, specificity=1.0)
    write_table(folder / f"{name}_scores.parquet", scores, schemas.GENE_SCORES)
    write_table(folder / f"{name}_programs.parquet", programs, schemas.PROGRAMS)


def test_annotation_is_appended_and_counted(tmp_path):
    first = write_annotation(tmp_path / "1.parquet", SHEET[0], ["T", "B", "T", "T"], [False, False, True, False])
    second = write_annotation(tmp_path / "2.parquet", SHEET[1], [], [])
    shifts = [tmp_path / "1.json", tmp_path / "2.json"]
    for path, shift, doubt in zip(shifts, (1.5, 0.0), (True, False), strict=True):
        write_shift(path, shift=shift, in_doubt=doubt, without=0.75 if doubt else None)
    composition, ood = collect_annotation([first, second], SHEET, tmp_path / "all.parquet", shifts=shifts)
    assert pq.read_schema(tmp_path / "all.parquet") == schemas.ANNOTATION
    assert pq.read_metadata(tmp_path / "all.parquet").num_rows == 4
    counted = as_table(composition, COMPOSITION).to_pylist()
    assert [(row["sample_id"], row["label"], row["n_cells"], row["share"], row["n_ood"]) for row in counted] == [
        ("s1", "T", 3, 0.75, 1),
        ("s1", "B", 1, 0.25, 0),
    ]
    found = as_table(ood, OOD).to_pylist()
    assert (found[0]["n_ood"], found[0]["ood_share"], found[0]["median_score"]) == (1, 0.25, 1.5)
    assert (found[0]["shift"], found[0]["n_ood_fdr"], found[0]["held_out_accuracy"]) == (1.5, 0, 0.75)
    assert (found[0]["ood_share_low"], found[0]["ood_share_high"]) == (0.25, 0.75)
    assert (found[1]["ood_share_low"], found[1]["ood_share_high"]) == (None, None)
    assert (found[1]["n_cells"], found[1]["ood_share"], found[1]["median_confidence"]) == (0, None, None)


def test_where_no_shift_could_be_read_any_may_be_right(tmp_path):
    table = write_annotation(tmp_path / "1.parquet", SHEET[0], ["T", "B"], [False, True])
    write_shift(tmp_path / "1.json", shift=0.0, in_doubt=True, without=0.5, whatever=0.125, n_anchors=0)
    _, ood = collect_annotation([table], SHEET[:1], tmp_path / "all.parquet", shifts=[tmp_path / "1.json"])
    (row,) = as_table(ood, OOD).to_pylist()
    assert (row["ood_share_low"], row["ood_share"], row["ood_share_high"]) == (0.125, 0.5, 0.5)


@pytest.mark.parametrize(("doubt", "shares"), [(True, (0.25, 0.5)), (False, (0.5, 0.5))])
def test_a_share_is_a_range_where_the_shift_is_in_doubt(tmp_path, doubt, shares):
    table = write_annotation(tmp_path / "1.parquet", SHEET[0], ["T", "B"], [False, True])
    write_shift(tmp_path / "1.json", shift=-1.0, in_doubt=doubt, without=0.25)
    _, ood = collect_annotation([table], SHEET[:1], tmp_path / "all.parquet", shifts=[tmp_path / "1.json"])
    (row,) = as_table(ood, OOD).to_pylist()
    assert (row["ood_share_low"], row["ood_share_high"]) == shares
    assert row["ood_share"] == 0.5


def test_status_keeps_rejected_samples_and_joins_notes(tmp_path):
    status = {
        **SHEET[0],
        "status": "rejected",
        "reason": "no cells",
        "n_cells": 0,
        "n_cells_kept": 0,
        "vocabulary_share": None,
        "value_kind": None,
        "notes": ["one", "two"],
    }
    write_json(tmp_path / "status.json", status)
    described = {**SHEET[0], "tissue": "ovary", "truth": "cell_type"}
    row = as_table(collect_status([tmp_path / "status.json"], [described]), SAMPLES).to_pylist()[0]
    assert (row["tissue"], row["batch"], row["condition"]) == ("ovary", None, None)
    assert (row["status"], row["reason"], row["vocabulary_share"], row["notes"]) == (
        "rejected",
        "no cells",
        None,
        "one; two",
    )


def test_origins_are_counted_by_patient_over_samples(tmp_path):
    first = write_annotation(tmp_path / "1.parquet", SHEET[0], ["T", "B", "B", "T"], [True, True, True, False])
    second = write_annotation(tmp_path / "2.parquet", SHEET[1], ["B"], [True])
    rows = as_table(collect_origins([first, second], SHEET), ORIGINS).to_pylist()
    assert [(row["patient_id"], row["origin"], row["n_cells"], row["share"]) for row in rows] == [
        ("p1", "B", 3, 0.75),
        ("p1", "T", 1, 0.25),
    ]
    assert all(row["low"] < row["share"] < row["high"] and row["margin"] == 1 for row in rows)


def test_cells_that_no_type_fits_are_a_row_of_their_own(tmp_path):
    path = write_annotation(tmp_path / "1.parquet", SHEET[0], ["T", "T", "B", "B", "B"], [True] * 5)
    cells = read_frame(path)
    cells.loc[cells["label"] == "B", ["origin", "origin_margin"]] = [None, 0.5]
    write_table(path, cells, schemas.ANNOTATION)
    rows = as_table(collect_origins([path], SHEET[:1]), ORIGINS).to_pylist()
    assert [(row["origin"], row["n_cells"], row["margin"]) for row in rows] == [(None, 3, 0.5), ("T", 2, 1.0)]


def test_no_type_may_fit_any_cell(tmp_path):
    path = write_annotation(tmp_path / "1.parquet", SHEET[0], ["T", "B"], [True, True])
    write_table(path, read_frame(path).assign(origin=None, origin_margin=0.5), schemas.ANNOTATION)
    rows = as_table(collect_origins([path], SHEET[:1]), ORIGINS).to_pylist()
    assert [(row["origin"], row["n_cells"], row["share"], row["margin"]) for row in rows] == [(None, 2, 1.0, 0.5)]


def test_a_sample_without_ood_cells_gives_no_origin(tmp_path):
    path = write_annotation(tmp_path / "1.parquet", SHEET[0], ["T"], [False])
    assert collect_origins([path], SHEET[:1]).empty


def test_explanations_are_weighted_by_cells(tmp_path):
    write_scores(tmp_path, "a", "T", 30, 1.0)
    write_scores(tmp_path, "b", "T", 10, 0.0)
    write_scores(tmp_path, "c", "B", 5, 0.5)
    scores = [tmp_path / f"{name}_scores.parquet" for name in "abc"]
    programs = [tmp_path / f"{name}_programs.parquet" for name in "abc"]
    mean = as_table(mean_gene_scores(scores), schemas.GENE_SCORES).to_pandas()
    assert mean[["label", "score", "n_cells"]].values.tolist() == [["B", 0.5, 5], ["T", 0.75, 40]]
    assert mean[["workspace", "detected"]].values.tolist() == [[0.25, 0.5], [0.375, 0.25]]
    weights = as_table(mean_programs(programs, gene_scores=scores), schemas.PROGRAMS).to_pandas()
    assert weights[["label", "slot", "weight"]].values.tolist() == [["B", 0, 0.5], ["T", 0, 0.75]]
    assert weights["coverage"].tolist() == [0.5, 0.75]
    assert weights["stability"].tolist() == pytest.approx([0.9, 0.9])
    assert weights["specificity"].tolist() == pytest.approx([0.4, 0.6])  # of .5 and .75


@pytest.mark.parametrize(("stability", "slots"), [(0.8, [0, pd.NA]), (None, [0, 1])])
def test_what_was_not_measured_of_a_program_stays_missing(tmp_path, stability, slots):
    write_scores(tmp_path, "a", "T", 10, 1.0)
    write_scores(tmp_path, "b", "T", 30, 0.0)
    paths = [tmp_path / f"{name}_programs.parquet" for name in "ab"]
    for path, weight in zip(paths, (1.0, 2.0), strict=True):
        programs = pd.DataFrame({"label": "T", "slot": pd.array(slots, "Int32"), "symbol": "CD3E", "weight": weight})
        measured = [stability, None]
        write_table(path, programs.assign(**dict.fromkeys(QUALITY, measured)), schemas.PROGRAMS)
    mean = mean_programs(paths, gene_scores=[tmp_path / f"{name}_scores.parquet" for name in "ab"])
    assert mean["slot"].tolist() == slots
    assert mean["weight"].tolist() == [1.75, 1.75]
    expected = [[stability, stability, 1.0] if stability else [np.nan] * 3, [np.nan] * 3]
    np.testing.assert_allclose(mean[list(QUALITY)].to_numpy(float), expected, rtol=1e-6)


def test_copy_number_burden_counts_calls_of_query_cells(tmp_path):
    calls = ["diploid", "aneuploid", "aneuploid", "diploid", "undetermined"]
    cells = pd.DataFrame({
        "cell_id": list("abcde"),
        "role": ["reference", "query", "query", "query", "query"],
        "cnv_call": calls,
        "cnv_score": [0.1, 0.4, 0.6, 0.2, None],
        "reference_source": ["patient", "borrowed", "patient and borrowed", "patient", None],
        "label": "T",
        "is_ood": False,
    }).reindex(columns=schemas.CNV_CELLS.names)  # fmt: skip
    write_table(tmp_path / "cells.parquet", cells, schemas.CNV_CELLS)
    burden = as_table(cnv_burden([tmp_path / "cells.parquet"], SHEET[:1]), CNV_BURDEN).to_pandas()
    burden = burden.set_index("group")
    assert burden["n_cells"].to_dict() == {"reference": 1, "aneuploid": 2, "diploid": 1, "undetermined": 1}
    assert burden["share"].to_dict() == {"reference": 1.0, "aneuploid": 0.5, "diploid": 0.25, "undetermined": 0.25}
    assert burden["n_borrowed"].to_dict() == {"reference": 0, "aneuploid": 2, "diploid": 0, "undetermined": 0}
    assert burden.loc["aneuploid", "score_median"] == pytest.approx(0.5)
    assert np.isnan(burden.loc["undetermined", "score_median"])


@pytest.mark.parametrize("n_empty", [0, 1])
def test_a_burden_of_no_cells_has_its_schema(tmp_path, n_empty):
    write_table(tmp_path / "empty.parquet", parquet.empty(schemas.CNV_CELLS), schemas.CNV_CELLS)
    burden = cnv_burden([tmp_path / "empty.parquet"] * n_empty, SHEET[:n_empty])
    assert as_table(burden, CNV_BURDEN).num_rows == 0


def test_arms_are_of_their_sample(tmp_path):
    row = {field.name: "x" if field.type == "string" else 1 for field in schemas.CNV_ARMS}
    write_table(tmp_path / "arms.parquet", pd.DataFrame([row]), schemas.CNV_ARMS)
    write_table(tmp_path / "empty.parquet", parquet.empty(schemas.CNV_ARMS), schemas.CNV_ARMS)
    frames = collect_cnv_arms([tmp_path / "empty.parquet", tmp_path / "arms.parquet"], SHEET[:2])
    write_batches(tmp_path / "composition.parquet", frames, COHORT_CNV_ARMS)
    assert read_frame(tmp_path / "composition.parquet")["sample_id"].tolist() == [SHEET[1]["sample_id"]]


def test_groups_of_cells_are_counted_by_label_and_clone(tmp_path):
    cells = pd.DataFrame({
        "cell_id": list("abcdef"),
        "role": ["query"] * 5 + ["reference"],
        "lineage": ["T", "T, out of distribution", "T, out of distribution", "out of distribution", "T", "T"],
        "cnv_call": ["aneuploid", "aneuploid", "aneuploid", "undetermined", "diploid", "diploid"],
        "clone": ["clone 1", "clone 1", "clone 1", None, None, None],
        "label": ["T", "T", "T", "B", "T", "T"],
        "is_ood": [False, True, True, True, False, False],
    }).reindex(columns=schemas.CNV_CELLS.names)  # fmt: skip
    write_table(tmp_path / "cells.parquet", cells, schemas.CNV_CELLS)
    write_table(tmp_path / "empty.parquet", parquet.empty(schemas.CNV_CELLS), schemas.CNV_CELLS)
    frames = cnv_groups([tmp_path / "cells.parquet", tmp_path / "empty.parquet"], SHEET[:2])
    write_batches(tmp_path / "groups.parquet", frames, CNV_GROUPS)
    found = read_frame(tmp_path / "groups.parquet").astype(object).where(lambda table: table.notna(), None)
    columns = ["patient_id", "lineage", "cnv_call", "clone", "label", "is_ood", "n_cells"]
    assert found[columns].to_numpy().tolist() == [
        ["p1", "T", "aneuploid", "clone 1", "T", False, 1],
        ["p1", "T", "diploid", None, "T", False, 1],
        ["p1", "T, out of distribution", "aneuploid", "clone 1", "T", True, 2],
        ["p1", "out of distribution", "undetermined", None, None, True, 1],
    ]


def test_explanations_of_an_empty_cohort_have_their_schema(tmp_path):
    write_table(tmp_path / "scores.parquet", parquet.empty(schemas.GENE_SCORES), schemas.GENE_SCORES)
    write_table(tmp_path / "programs.parquet", parquet.empty(schemas.PROGRAMS), schemas.PROGRAMS)
    for scores, programs in (([], []), ([tmp_path / "scores.parquet"], [tmp_path / "programs.parquet"])):
        assert as_table(mean_gene_scores(scores), schemas.GENE_SCORES).num_rows == 0
        assert as_table(mean_programs(programs, gene_scores=scores), schemas.PROGRAMS).num_rows == 0


def test_gene_scores_come_by_label_and_the_highest_first_ties_by_name(tmp_path):
    table = pd.DataFrame({"label": ["T", "T", "T", "T", "B"], "symbol": ["LOW", "TIE2", "HIGH", "TIE1", "X"]})
    table = table.assign(score=[-0.5, 0.5, 2.0, 0.5, 0.0], n_cells=[4, 4, 4, 4, 2], workspace=0.1, detected=0.2)
    write_table(tmp_path / "scores.parquet", table, schemas.GENE_SCORES)
    mean = mean_gene_scores([tmp_path / "scores.parquet"])
    assert list(zip(mean["label"], mean["symbol"], strict=True)) == [
        ("B", "X"),
        ("T", "HIGH"),
        ("T", "TIE1"),
        ("T", "TIE2"),
        ("T", "LOW"),
    ]


def test_three_samples_of_any_size_give_the_mean_over_their_cells(tmp_path):
    scores, sizes = [0.2, -1.0, 3.0], [7, 2, 1]
    for name, score, size in zip("abc", scores, sizes, strict=True):
        write_scores(tmp_path, name, "T", size, score)
    paths = [tmp_path / f"{name}_scores.parquet" for name in "abc"]
    over_cells = np.repeat(scores, sizes).mean()
    mean = mean_gene_scores(paths).iloc[0]
    assert (mean["score"], mean["n_cells"]) == (pytest.approx(over_cells, rel=1e-6), 10)
    programs = mean_programs([tmp_path / f"{name}_programs.parquet" for name in "abc"], gene_scores=paths)
    assert programs["weight"].tolist() == pytest.approx([over_cells], rel=1e-6)


def test_each_label_of_a_sample_has_the_weight_of_its_own_cells(tmp_path):
    for name, sizes, scores in (("a", (90, 1), (1.0, 1.0)), ("b", (10, 3), (0.0, 0.0))):
        table = pd.DataFrame({"label": ["B", "T"], "symbol": "CD3E", "score": scores, "n_cells": sizes})
        write_table(tmp_path / f"{name}.parquet", table.assign(workspace=0.1, detected=0.2), schemas.GENE_SCORES)
    mean = mean_gene_scores([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    assert dict(zip(mean["label"], mean["score"], strict=True)) == {"B": 0.9, "T": 0.25}
