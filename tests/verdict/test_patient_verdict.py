"""The verdicts of made-up patients, from tables as the workflow writes them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from annotated import annotated

from cellcohort.outputs import schemas
from cellcohort.outputs.parquet import empty, read_frame, write_table
from cellcohort.verdict.patient_verdict import gather_cells, judge_patient, write_patient_verdict, write_sample_verdict

NO_ARMS = empty(schemas.CNV_ARMS).to_pandas()
NOTHING = {"n_cells": 5, "z": None, "group_n_cells": 50, "group_z": None, "kappa": 0.0, "lambda": 0.0}


def annotation(n: int, *, label: str = "T", ood: bool = False, sample: str = "S", start: int = 0) -> pd.DataFrame:
    return annotated(
        pd.DataFrame({
            "cell_id": [f"cell{number:04d}" for number in range(start, start + n)],
            "sample_id": sample, "patient_id": "P", "label": label, "confidence": 0.9, "second_label": "B",
            "ood_score": 0.0, "ood_pvalue": 0.5, "ood_qvalue": 0.5, "is_ood": ood, "origin": "T",
        })
    )  # fmt: skip


def calls(cells: pd.DataFrame, llr: float, call: str, **columns: object) -> pd.DataFrame:
    known = {"role": "query", "cnv_score": 1.0, "fdr": 0.5, "clone": None, "reference_source": "patient"}
    known |= {"reason": None, "lineage": cells["label"], "llr": llr, "cnv_call": call}
    return cells[["cell_id", "sample_id", "patient_id", "label", "is_ood"]].assign(**(known | columns))


def positional(cells: pd.DataFrame, own: float | None, group: float | None, number: int = 0) -> pd.DataFrame:
    neighbourhood = 1000 * number + np.arange(len(cells)) // 5
    units = {"group": number, "neighbourhood": neighbourhood, "pvalue": own, "group_pvalue": group}
    return cells[["cell_id"]].assign(**NOTHING, **units)


def judged(
    tmp_path,
    cells: list[pd.DataFrame],
    *,
    evidence: list[pd.DataFrame] | None = None,
    called: list[pd.DataFrame] | None = None,
    order: np.ndarray | None = None,
) -> pd.DataFrame:
    """The verdicts of a patient of one sample."""
    table = pd.concat(cells, ignore_index=True)
    table = table if order is None else table.iloc[order]
    write_table(tmp_path / "annotation.parquet", table, schemas.ANNOTATION)
    files: dict = {"annotation": [tmp_path / "annotation.parquet"]}
    if evidence:
        write_table(tmp_path / "positional.parquet", pd.concat(evidence), schemas.POSITIONAL)
        files["positional"] = [tmp_path / "positional.parquet"]
    if called:
        write_table(tmp_path / "cnv.parquet", pd.concat(called), schemas.with_sample(schemas.CNV_CELLS))
        files["cnv_cells"] = tmp_path / "cnv.parquet"
    write_patient_verdict(tmp_path / "verdict.parquet", [{"sample_id": "S"}], **files)
    return read_frame(tmp_path / "verdict.parquet")


def test_a_reference_type_without_anything_against_it_is_normal(tmp_path):
    assert set(judged(tmp_path, [annotation(80)])["verdict"]) == {"normal"}


@pytest.mark.parametrize("n", [1, 80, 1000])
def test_cells_that_are_only_unlike_the_reference_are_unexplained(tmp_path, n):
    found = judged(tmp_path, [annotation(n, ood=True)])
    assert set(found["verdict"]) == {"unexplained"}
    assert set(found["reason"]) == {"unlike the reference"}


def test_blasts_without_an_event_are_unexplained(tmp_path):
    blasts, rest = annotation(300, ood=True), annotation(50, start=300)
    evidence = [positional(blasts, 0.4, 0.6), positional(rest, 0.4, 0.6, 1)]
    called = [calls(blasts, 0.0, "diploid"), calls(rest, 0.0, "diploid")]
    found = judged(tmp_path, [blasts, rest], evidence=evidence, called=called)
    assert set(found["verdict"][:300]) == {"unexplained"}
    assert set(found["verdict"][300:]) == {"normal"}


def test_blocks_of_a_group_make_a_tumour_without_copy_number(tmp_path):
    tumour, rest = annotation(100, ood=True), annotation(100, start=100)
    found = judged(tmp_path, [tumour, rest], evidence=[positional(tumour, 1e-6, 1e-9), positional(rest, 0.5, 0.5, 1)])
    assert set(found["verdict"][:100]) == {"malignant"}
    assert set(found["reason"][:100]) == {"positional"}
    assert set(found["verdict"][100:]) == {"normal"}


def test_a_tumour_that_looks_like_a_reference_type_is_found(tmp_path):
    tumour, rest = annotation(100), annotation(100, start=100)
    found = judged(tmp_path, [tumour, rest], evidence=[positional(tumour, 1e-6, 1e-9), positional(rest, 0.5, 0.5, 1)])
    assert set(found["verdict"][:100]) == {"malignant"}


@pytest.mark.parametrize(("n", "verdict"), [(50, "malignant"), (1, "unexplained")])
def test_the_group_decides_where_the_cells_do_not(tmp_path, n, verdict):
    group, rest = annotation(n, ood=True), annotation(200, start=100)
    evidence = [positional(group, None, None), positional(rest, None, None, 1)]
    called = [calls(group, 1.0, "undetermined"), calls(rest, -15.0, "diploid")]
    found = judged(tmp_path, [group, rest], evidence=evidence, called=called)
    assert set(found["verdict"][:n]) == {verdict}
    assert set(found["verdict"][n:]) == {"normal"}


def test_a_restricted_light_chain_is_never_normal_as_a_whole(tmp_path):
    b_cells, rest = annotation(1000, label="B"), annotation(300, start=1000)
    chains = positional(b_cells, 0.5, 0.5).assign(kappa=[20.0] * 790 + [0.0] * 210)
    chains["lambda"] = [0.0] * 790 + [20.0] * 120 + [0.0] * 90
    called = [calls(b_cells, 0.0, "diploid"), calls(rest, 0.0, "diploid")]
    found = judged(tmp_path, [b_cells, rest], evidence=[chains, positional(rest, 0.5, 0.5, 1)], called=called)
    assert "normal" not in set(found["verdict"][:790])
    assert set(found["verdict"][790:910]) == {"normal"}
    assert set(found["verdict"][1000:]) == {"normal"}


def test_blocks_in_diploid_cells_are_a_conflict(tmp_path):
    cells = annotation(60)
    found = judged(tmp_path, [cells], evidence=[positional(cells, 1e-5, 1e-6)], called=[calls(cells, -20.0, "diploid")])
    assert set(found["reason"]) == {"conflict"}
    assert set(found["verdict"]) == {"unsure"}


def test_the_order_of_the_cells_does_not_matter(tmp_path):
    rng = np.random.default_rng(0)
    cells = annotation(200, ood=True)
    called = calls(cells, 0.0, "undetermined").assign(llr=rng.normal(0, 3, 200))
    evidence = positional(cells, None, None).assign(pvalue=rng.random(200) ** 4)
    first = judged(tmp_path, [cells], evidence=[evidence], called=[called])
    order = rng.permutation(200)
    again = judged(tmp_path, [cells], evidence=[evidence], called=[called.iloc[order]], order=order)
    pd.testing.assert_frame_equal(first.iloc[order].reset_index(drop=True), again)


def test_samples_of_a_patient_are_judged_together_and_written_apart(tmp_path):
    tables = {name: annotation(30, sample=name, ood=True) for name in ("A", "B")}
    for name, table in tables.items():
        write_table(tmp_path / f"{name}.parquet", table, schemas.ANNOTATION)
    called = pd.concat([calls(tables["A"], 1.0, "undetermined"), calls(tables["B"], 30.0, "aneuploid")])
    write_table(tmp_path / "cnv.parquet", called, schemas.with_sample(schemas.CNV_CELLS))
    samples = [{"sample_id": name} for name in tables]
    paths = [tmp_path / f"{name}.parquet" for name in tables]
    write_patient_verdict(tmp_path / "both.parquet", samples, annotation=paths, cnv_cells=tmp_path / "cnv.parquet")
    write_sample_verdict(tmp_path / "own.parquet", tmp_path / "both.parquet", sample_id="A")
    own = read_frame(tmp_path / "own.parquet")
    assert own["cell_id"].tolist() == tables["A"]["cell_id"].tolist()
    assert set(own["sample_id"]) == {"A"}
    assert set(own["verdict"]) == {"malignant"}


def test_a_patient_without_cells_has_an_empty_table(tmp_path):
    write_table(tmp_path / "annotation.parquet", empty(schemas.ANNOTATION), schemas.ANNOTATION)
    write_table(tmp_path / "positional.parquet", empty(schemas.POSITIONAL), schemas.POSITIONAL)
    cnv = empty(schemas.with_sample(schemas.CNV_CELLS))
    write_table(tmp_path / "cnv.parquet", cnv, schemas.with_sample(schemas.CNV_CELLS))
    tables = {
        "annotation": [tmp_path / "annotation.parquet"],
        "positional": [tmp_path / "positional.parquet"],
        "cnv_cells": tmp_path / "cnv.parquet",
    }
    write_patient_verdict(tmp_path / "verdict.parquet", [{"sample_id": "S"}], **tables)
    assert read_frame(tmp_path / "verdict.parquet").columns.tolist() == schemas.VERDICT.names
    assert len(gather_cells([{"sample_id": "S"}], annotation=tables["annotation"])) == 0


def test_a_cell_that_a_table_lacks_is_judged_by_the_others(tmp_path):
    cells = annotation(40, ood=True)
    found = judged(tmp_path, [cells], evidence=[positional(cells[:30], 1e-8, 1e-8)])
    assert set(found["verdict"][:30]) == {"malignant"}
    assert set(found["verdict"][30:]) == {"unexplained"}


def test_known_arms_of_the_sheet_take_part(tmp_path):
    cells = annotation(60, ood=True)
    write_table(tmp_path / "annotation.parquet", cells, schemas.ANNOTATION)
    table = calls(cells, 0.0, "undetermined", reference_source=None, reason="no reference of the lineage")
    write_table(tmp_path / "cnv.parquet", table, schemas.with_sample(schemas.CNV_CELLS))
    gathered = gather_cells(
        [{"sample_id": "S"}], annotation=[tmp_path / "annotation.parquet"], cnv_cells=tmp_path / "cnv.parquet"
    )
    names = [f"chr{number}{arm}" for number in range(1, 23) for arm in "pq"]
    arms = pd.DataFrame({"arm": names, "lineage": "T", "cnv_call": "undetermined", "clone": None, "call": 0})
    arms.loc[arms["arm"].isin(["chr1p", "chr19q"]), "call"] = -1
    assert set(judge_patient(gathered, arms, {})["verdict"]) == {"unexplained"}
    found = judge_patient(gathered, arms, {"chr1p": -1, "chr19q": -1})
    assert set(found["verdict"]) == {"malignant"}
    assert set(found["reason"]) == {"known arms"}
