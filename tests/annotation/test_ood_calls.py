"""What a level decides is decided from scores.parquet alone."""

import numpy as np
import pyarrow as pa
import pytest

from cellcohort.annotation.ood_calls import call_cells, call_shift
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import ANNOTATION, SCORES

ANCHORS = {"shift": 1.5, "labels": {}, "n_anchors": 2, "in_doubt": True}


def scores(pvalues, **columns):
    """scores.parquet of cells with these p-values, all of which keep what is their type's own."""
    n = len(pvalues)
    texts = {name: ["T"] * n for name in ("label", "second_label", "resolved_label", "nearest_type")}
    ids = {"cell_id": [f"c{i}" for i in range(n)], "sample_id": ["S"] * n, "patient_id": ["P"] * n}
    nulls = {"coarse_label": pa.nulls(n, pa.string()), "coarse_confidence": pa.nulls(n, pa.float32())}
    numbers = {name: np.full(n, 2.0) for name in ("confidence", "ood_score", "ood_qvalue", "origin_margin")}
    numbers |= {"own_genes": np.full(n, 9.0), "own_genes_expected": np.full(n, 10.0)}
    possible = {"possible_labels": [["T"]] * n, "needed_coverage": [[0.8]] * n}
    tested = {"ood_pvalue": np.array(pvalues, float), "unshifted_pvalue": np.array(pvalues, float)}
    return as_table(
        ids | texts | nulls | numbers | possible | tested | {"positional": np.zeros(n, bool)} | columns, SCORES
    )


@pytest.mark.parametrize("alpha", [0.0, 0.05, 0.4, 1.0])
def test_a_cell_is_ood_at_a_pvalue_of_alpha_and_below(alpha):
    pvalues = [0.4, 0.05, 0.049999999, 0.2, 1.0, 0.0]
    called = call_cells(scores(pvalues), alpha=alpha, coverage=0.9)
    assert called.schema.equals(ANNOTATION)
    assert called["is_ood"].to_pylist() == [p <= alpha for p in pvalues]


def test_an_origin_is_null_in_the_ood_cells_that_it_does_not_fit():
    """A lost its genes, B kept them, C is as near to the next type; cells that are not OOD keep their nearest type."""
    types = np.repeat(["A", "B", "C"], 4)
    kept, margins = np.where(types == "A", 1.0, 9.0), np.where(types == "C", 0.1, 2.0)
    table = scores(np.tile([0.01, 0.01, 0.01, 0.9], 3), nearest_type=types, own_genes=kept, origin_margin=margins)
    found = call_cells(table, alpha=0.05, coverage=0.9)["origin"].to_pylist()
    assert found == [None, None, None, "A", "B", "B", "B", "B", None, None, None, "C"]


def test_whether_an_origin_fits_is_judged_by_the_ood_cells_of_the_level():
    """The strangest have lost the genes, the others have not."""
    table = scores([0.001, 0.001, 0.04, 0.04, 0.04, 0.04], own_genes=np.array([1.0, 1.0, 9.0, 9.0, 9.0, 9.0]))
    assert call_cells(table, alpha=0.01, coverage=0.9)["origin"].to_pylist() == [None, None, "T", "T", "T", "T"]
    assert call_cells(table, alpha=0.05, coverage=0.9)["origin"].to_pylist() == ["T"] * 6


@pytest.mark.parametrize(("pvalues", "shares"), [([0.01, 0.2, 0.3, 0.04], (0.5, 0.25)), ([], (None, None))])
def test_the_shares_without_and_whatever_the_shift_are_told(pvalues, shares):
    table = scores(pvalues, positional=np.arange(len(pvalues)) < 2)
    names = ("ood_share_without_shift", "ood_share_whatever_the_shift")
    assert call_shift(table, ANCHORS, alpha=0.05) == ANCHORS | dict(zip(names, shares, strict=True))


@pytest.mark.parametrize(
    ("coverage", "sets"),
    [(0.8, ["B", "A", "C"]), (0.9, ["B|A", "A", "C"]), (0.95, ["B|A", "A|B|C", "C"]), (0.99, ["B|A", "A|B|C", "C|A"])],
)
def test_a_label_set_has_the_labels_that_the_coverage_needs(coverage, sets):
    possible = {"possible_labels": [["B", "A"], ["A", "B", "C"], ["C", "A"]]}
    needed = {"needed_coverage": [[0.8, 0.9], [0.8, 0.95, 0.95], [0.8, 0.99]]}
    table = scores([0.5] * 3, **possible, **needed)
    chunks = pa.concat_tables([table, table.slice(1), table.slice(0, 0)])
    assert call_cells(chunks, alpha=0.05, coverage=coverage)["label_set"].to_pylist() == sets + sets[1:]
    assert call_cells(table.slice(2), alpha=0.05, coverage=coverage)["label_set"].to_pylist() == sets[2:]


def test_a_rejected_sample_has_an_annotation_of_no_cell():
    assert call_cells(SCORES.empty_table(), alpha=0.05, coverage=0.9).equals(ANNOTATION.empty_table())
