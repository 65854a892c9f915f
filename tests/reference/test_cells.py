"""The labelled cells of the reference."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from cellcohort.core.errors import InputError
from cellcohort.genes.highly_variable import rank_genes, standardised_variance
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.obs_columns import distinct
from cellcohort.inputs.placeholder_labels import is_placeholder
from cellcohort.reference.cells import labelled_cells
from cellcohort.reference.splits import assign_splits


def write(path, labels: list[str | None]):
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"cell_type": pd.Categorical(labels)}, index=[f"c{i}" for i in range(len(labels))])
    ad.AnnData(rng.poisson(2, (len(labels), 20)).astype(np.float32), obs=obs).write_h5ad(path)
    return path


@pytest.mark.parametrize("word", ["Unknown", "nan", "NaN", "NA", "n/a", "None", "unassigned", "Not_assigned"])
def test_words_for_no_label_are_no_type(tmp_path, caplog, word: str) -> None:
    caplog.set_level("INFO", "cellcohort")
    path = write(tmp_path / "a.h5ad", [*["T"] * 6, word, word, None, "  ", *["B"] * 6])
    rows, labels, _ = labelled_cells(open_counts(path), label="cell_type")
    assert set(labels) == {"T", "B"}
    assert rows.tolist() == [*range(6), *range(10, 16)]
    assert f"left out: {word} (2)" in caplog.text
    assert distinct(path, "cell_type") == {"T", "B"}


@pytest.mark.parametrize("label", ["T", "NK", "naive", "nanobody", "B unknown", "Non-classical", "0"])
def test_other_words_are_types(label: str) -> None:
    assert not is_placeholder(label)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (["T", "B"], r"there are .*\(1\)"),
        ([*["T"] * 50, *["B"] * 4], r"there are T \(50\), B \(4\)"),
        ([f"type {i}" for i in range(60)], "and 55 more"),
        ([*["T"] * 50, *["unknown"] * 50], r"there are T \(50\)\. Name another"),
        (["unknown", "nan"], "no label for any cell"),
    ],
)
def test_a_reference_from_which_nothing_can_be_learned_is_refused(tmp_path, labels: list[str], found: str) -> None:
    with pytest.raises(InputError, match=found):
        labelled_cells(open_counts(write(tmp_path / "a.h5ad", labels)), label="cell_type")


def test_a_donor_of_a_single_cell_is_not_what_a_model_is_judged_by() -> None:
    ids = np.array([f"c{i:03d}" for i in range(60)], object)
    donors = np.array(["D1"] * 59 + ["D2"], object)
    split = assign_splits(ids, np.resize(np.array(["T", "B"], object), 60), donors, seed=1)
    assert (split == "validation").sum() == 12


def test_a_donor_of_a_single_cell_hides_no_variable_gene(tmp_path) -> None:
    counts = open_counts(write(tmp_path / "a.h5ad", ["T"] * 61))
    batches = np.array(["D1"] * 60 + ["D2"])
    variance = standardised_variance(counts, np.arange(61), batches)
    assert np.isfinite(variance).all()
    assert rank_genes(variance, 20, counts.genes["symbol"].to_numpy(str)).size == 20
