"""What is said of a reference before it is trained on."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.core.errors import InputError
from cellcohort.inputs.placeholder_labels import names_no_type
from cellcohort.reference.cells import open_reference, opened_findings
from cellcohort.reference.findings import named_as_mouse, reference_findings
from cellcohort.reference.stored_reference import planned_notes, stored_findings

HUMAN = [*(f"CD{i}" for i in range(40)), "C1orf112", "MT-ND1", "HLA-A"]
GOOD = {"labels": ["T"] * 30 + ["B"] * 30, "donors": ["D1", "D2"] * 30, "genes": HUMAN, "kind": "counts"}


def told(**change) -> list[tuple[str, str]]:
    given = GOOD | change
    columns = {name: given[name] and np.array(given[name], object) for name in ("labels", "donors")}
    return reference_findings(**(given | columns))


def write(path, counts, *, labels=None, donors=None, layers=None, genes=HUMAN):
    n_cells = counts.shape[0]
    obs = pd.DataFrame(
        {"cell_type": labels or ["T", "B"] * (n_cells // 2), "donor": donors or ["D1", "D2"] * (n_cells // 2)},
        index=[f"c{i}" for i in range(n_cells)],
    )
    ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=genes), layers=layers).write_h5ad(path)
    return {"path": str(path), "label": "cell_type", "donor": "donor"}


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(0).poisson(2, (120, len(HUMAN))).astype("float32")


@pytest.mark.parametrize(
    "label",
    [
        *("Doublet", "doublets", "T/Mono doublets", "doublet_1", "Mono doublet", "Multiplets", "low_quality", "LowQ"),
        *("Low quality cells", "T cell (low quality)", "unknown 3", "Unknown_cells", "Unidentified", "Ambiguous"),
        *("debris", "Empty droplets", "ambient RNA", "Artifact", "dead cells", "Contaminated", "removed", "outliers"),
    ],
)
def test_cells_that_are_no_type(label: str) -> None:
    assert names_no_type(label)
    assert names_no_type(label.upper())


@pytest.mark.parametrize(
    "label",
    ["non-doublet", "Other", "Mixed", "naive", "B unknown", "cycling", "Removal of Pi+", "Noisy neuron", "0", "DN"],
)
def test_labels_that_may_be_types(label: str) -> None:
    assert not names_no_type(label)


def test_a_good_reference_has_no_finding() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("change", "topic", "text"),
    [
        ({"labels": ["T"] * 30 + ["B"] * 20 + ["Doublet"] * 10}, "labels", "with their cells: Doublet (10)"),
        ({"labels": ["T"] * 30 + ["B"] * 20 + [""] * 10}, "labels", "10 of 60 cells have no label"),
        ({"labels": ["T"] * 30 + ["B"] * 20 + ["X"] * 10, "exclude": ["X"]}, "labels", "reference.exclude: X (10)"),
        ({"labels": ["T"] * 41 + ["B"] * 19}, "few cells", "B (19)"),
        ({"donors": None}, "donors", "no donors are named"),
        ({"donors": ["D1"] * 60}, "donors", "of one donor, D1"),
        ({"donors": ["D1", "D2", ""] * 20}, "cells without donor", "20 of 60 labelled cells"),
        ({"kind": "log-normalised", "other_counts": ["layers/counts"]}, "values", "layers/counts looks like counts"),
        ({"genes": [f"Cd{i}" for i in range(40)]}, "species", "mouse are (Cd0, Cd1, Cd2)"),
        ({"genes": [f"ENSMUSG{i:011}" for i in range(40)]}, "species", "mouse"),
    ],
)
def test_every_finding(change: dict, topic: str, text: str) -> None:
    (found,) = told(**change)
    assert found.topic == topic
    assert text in found.text


def test_a_label_of_twenty_cells_is_not_few_and_excluded_cells_need_no_donor() -> None:
    assert told(labels=["T"] * 40 + ["B"] * 20) == []
    assert told(labels=["T"] * 30 + ["B"] * 29 + ["X"], donors=["D1", "D2"] * 29 + ["D1", ""], exclude=["X"])[1:] == []


@pytest.mark.parametrize("genes", [HUMAN, ["1", "2"] * 30, [f"ENSG{i:011}" for i in range(40)], ["cd3d", "cd4"] * 30])
def test_names_that_are_not_those_of_mouse(genes: list[str]) -> None:
    assert not named_as_mouse(genes)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("kind", ["counts", "log-normalised"])
def test_the_plan_and_the_job_find_the_same(tmp_path, counts, form, kind: str) -> None:
    values = counts if kind == "counts" else np.log1p(counts / counts.sum(1, keepdims=True) * 1000)
    labels = ["T"] * 60 + ["B"] * 30 + ["few"] * 10 + ["Doublet"] * 20
    layers = None if kind == "counts" else {"umi": form(counts)}
    reference = write(tmp_path / "a.h5ad", form(values), labels=labels, layers=layers)
    found = stored_findings(reference)
    assert found == opened_findings(open_reference(reference), reference)
    topics = [finding.topic for finding in found]
    assert topics == ["labels", "few cells"] + ([] if kind == "counts" else ["values"])
    assert kind == "counts" or "layers/umi" in found[-1].text


def test_scaled_values_stop_the_plan_as_they_stop_the_job(tmp_path, counts) -> None:
    reference = write(tmp_path / "a.h5ad", counts - counts.mean(0))
    with pytest.raises(InputError, match=r"values are negative.*by `counts`"):
        stored_findings(reference)
    with pytest.raises(InputError, match="values are negative"):
        opened_findings(open_reference(reference), reference)


def test_a_matrix_or_column_that_is_not_there_is_named(tmp_path, counts) -> None:
    reference = write(tmp_path / "a.h5ad", counts)
    with pytest.raises(InputError, match=r"counts 'layers/umi' is not in the file. Set reference\.counts"):
        stored_findings(reference | {"counts": "layers/umi"})
    with pytest.raises(InputError, match="genes 'symbol' is not a column"):
        stored_findings(reference | {"genes": "symbol"})


def test_the_plan_names_lineages_of_the_sheets_tissues_and_mouse_where_samples_are_human(tmp_path, counts) -> None:
    genes = [f"Cd{i}" for i in range(len(HUMAN))]
    config = {"reference": write(tmp_path / "a.h5ad", counts, genes=genes)}
    lung = {"species": "mouse", "tissue": "lung"}
    (note,) = planned_notes(config, [lung, lung])
    assert "no label of the reference names epithelium" in note
    assert [("mouse" in note) for note in planned_notes(config, [lung, {"tissue": ""}])] == [True, False]
