"""One patient from files: normal cells, borrowed cells, calls of all samples."""

from __future__ import annotations

import json
import shutil

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from cnv_patients import EVENTS, call, patient, sample, two_samples
from scipy import sparse

from cellcohort.cnv.patient_samples import HealthyReference, Sample, open_samples
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import CNV_CELLS


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> HealthyReference:
    adata = patient({"T": 300, "B": 40, "M": 40}, seed=7)
    path = tmp_path_factory.mktemp("healthy") / "healthy.h5ad"
    adata.write_h5ad(path)
    return HealthyReference(open_counts(path), adata.obs["lineage"].astype(object).where(adata.obs["lineage"] != "x"))


def test_ood_cells_are_called_and_a_fifth_of_the_normals_is_held_out(tmp_path) -> None:
    adata = patient({"T": 100, "B": 60, "M": 60, "E/1": 80}, EVENTS, seed=7)
    one = sample(tmp_path, adata, "s1")
    cells = call([one]).cells
    names = ["cell_id", "label", "is_ood"]
    pd.testing.assert_frame_equal(cells[names], one.annotation[names].reset_index(drop=True))
    ood = one.annotation["is_ood"].to_numpy()
    assert (cells["cnv_call"][ood] == "aneuploid").mean() > 0.95
    assert (cells["cnv_call"][~ood] == "aneuploid").mean() < 0.01
    assert (cells["role"][ood] == "query").all()
    held = (cells["role"][~ood] == "query").mean()
    assert 0.15 < held < 0.25


def test_few_normals_borrow_only_their_label(tmp_path, healthy) -> None:
    adata = patient({"T": 5, "B": 60, "M": 60}, seed=7)
    cells = call([sample(tmp_path, adata, "s1")], healthy=healthy).cells
    source = cells.groupby("lineage")["reference_source"].unique().map(list)
    assert source["T"] == ["patient and borrowed"]
    assert source["B"] == ["patient"]
    assert len(cells) == round(125 * 0.95)


def test_without_a_healthy_reference_nothing_is_borrowed(tmp_path) -> None:
    adata = patient({"T": 5, "B": 60, "M": 60}, seed=7)
    cells = call([sample(tmp_path, adata, "s1")]).cells
    assert (cells.loc[cells["lineage"] == "T", "cnv_call"] == "undetermined").all()


def test_only_normal_labels_serve(tmp_path) -> None:
    adata = patient({"T": 60, "B": 60, "M": 60}, seed=7)
    cells = call([sample(tmp_path, adata, "s1")], normal_labels=["B", "M"]).cells
    assert set(cells.loc[cells["role"] == "reference", "lineage"]) == {"B", "M"}


def test_a_misspelt_normal_label_is_logged(tmp_path, caplog) -> None:
    adata = patient({"T": 30, "B": 30}, seed=7)
    call([sample(tmp_path, adata, "s1")], normal_labels=["B", "Tcell"])
    assert "no cell has the label Tcell" in caplog.text


def test_order_of_samples_does_not_matter(tmp_path, healthy) -> None:
    samples = two_samples(tmp_path)
    tables = [call(order, healthy=healthy).cells.set_index(["sample_id", "cell_id"]) for order in
              (samples, samples[::-1])]  # fmt: skip
    pd.testing.assert_frame_equal(tables[0], tables[1].loc[tables[0].index])


def loaded(folder, path) -> ad.AnnData:
    """A file's contents, read from a copy: HDF5 opens a file once more only with the locking of the first time."""
    return ad.read_h5ad(shutil.copy(path, folder / "copy.h5ad"))


def renamed(folder, one: Sample, name: str, symbols) -> Sample:
    """A copy of a sample with other symbols; a gene whose symbol is None is dropped."""
    adata = loaded(folder, one.counts.path)
    new = np.array([symbols(symbol) for symbol in adata.var_names], dtype=object)
    part = adata[:, np.flatnonzero(new != None)].copy()  # noqa: E711
    part.var_names = new[new != None]  # noqa: E711
    path = folder / f"{name} renamed.h5ad"
    part.write_h5ad(path)
    return Sample(name, open_counts(path), one.annotation)


def own(result, name: str) -> pd.DataFrame:
    return result.cells[result.cells["sample_id"] == name].reset_index(drop=True)


def test_a_panel_takes_no_genes_from_the_other_samples(tmp_path) -> None:
    a, b = two_samples(tmp_path)
    panel = renamed(tmp_path, b, "panel", lambda symbol: symbol if int(symbol[1:]) < 580 else None)
    alone, result = call([a]), call([panel, a])
    pd.testing.assert_frame_equal(own(result, "a"), own(alone, "a"))
    pd.testing.assert_frame_equal(result.arms, alone.arms)
    left = own(result, "panel")
    assert left["cell_id"].tolist() == b.annotation["cell_id"].tolist()
    assert (left["cnv_call"] == "undetermined").all()
    assert left["reason"].str.contains(r"left out: it has 580 genes .* other samples \(up to 1800\)").all()
    assert result.cells["sample_id"].drop_duplicates().tolist() == ["panel", "a"]
    assert (result.profile[len(left) :] != alone.profile).nnz == 0
    assert result.profile[: len(left)].nnz == 0
    as_table(result.cells, CNV_CELLS)


@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_other_letters_take_no_genes(tmp_path, spelled) -> None:
    a, b = two_samples(tmp_path)
    other = renamed(tmp_path, b, "b", spelled)
    pd.testing.assert_frame_equal(call([a, other]).cells, call([a, b]).cells)


def test_a_healthy_reference_of_few_genes_is_not_borrowed(tmp_path, healthy) -> None:
    adata = patient({"T": 5, "B": 60, "M": 60}, seed=7)
    one = sample(tmp_path, adata, "s1")
    few = loaded(tmp_path, healthy.counts.path)[:, :200].copy()
    few.write_h5ad(tmp_path / "few.h5ad")
    part = HealthyReference(open_counts(tmp_path / "few.h5ad"), healthy.labels)
    pd.testing.assert_frame_equal(call([one], healthy=part).cells, call([one]).cells)


def test_a_sample_without_cells_changes_nothing(tmp_path) -> None:
    a, b = two_samples(tmp_path)
    empty = renamed(tmp_path, b, "empty", lambda symbol: symbol if int(symbol[1:]) < 900 else None)
    empty = Sample("empty", empty.counts, empty.annotation[:0])
    pd.testing.assert_frame_equal(call([empty, a]).cells, call([a]).cells)
    assert call([empty]).cells.empty


def test_one_cell(tmp_path) -> None:
    a, _ = two_samples(tmp_path)
    cells = call([Sample("a", a.counts, a.annotation[:1])]).cells
    assert cells["cnv_call"].tolist() == ["undetermined"]
    assert cells["reason"].tolist() == ["no lineage with 15 reference cells"]


def test_a_cell_without_confidence_is_no_normal_cell(tmp_path) -> None:
    a, _ = two_samples(tmp_path)
    unknown = np.arange(len(a.annotation)) % 4 == 0
    annotation = a.annotation.assign(confidence=a.annotation["confidence"].mask(unknown))
    cells = call([Sample("a", a.counts, annotation)], min_reference=10).cells
    assert set(cells["role"][unknown]) == {"query"}
    assert (cells["role"] == "reference").any()


def test_confidence_of_exactly_the_bound_is_enough(tmp_path) -> None:
    a, _ = two_samples(tmp_path)
    assert (call([a], min_confidence=0.95).cells["role"] == "reference").any()
    assert not (call([a], min_confidence=0.951).cells["role"] == "reference").any()


def test_a_patient_without_samples_has_no_cells(healthy) -> None:
    result = call([], healthy=healthy)
    assert len(result.cells) == len(result.arms) == 0
    assert as_table(result.cells, CNV_CELLS).num_rows == 0


def test_rejected_samples_are_not_opened(tmp_path) -> None:
    a, _ = two_samples(tmp_path)
    a.annotation.to_parquet(tmp_path / "annotation.parquet")
    rows, paths, states = [], [], []
    for name, status in (("a", "ok"), ("broken", "rejected")):
        (tmp_path / f"{name}.json").write_text(json.dumps({"status": status}))
        rows.append({"sample_id": name})
        paths.append(a.counts.path if status == "ok" else tmp_path / "absent.h5ad")
        states.append(tmp_path / f"{name}.json")
    tables = [tmp_path / "annotation.parquet"] * 2
    opened = open_samples(rows, paths, status=states, annotation=tables, positional=tables)
    assert [one.sample_id for one in opened] == ["a"]
    assert open_samples(rows[1:], paths[1:], status=states[1:], annotation=tables[1:], positional=tables[1:]) == []
    assert open_samples(rows[:1], paths[:1], status=states[:1], annotation=tables[:1])[0].positional is None


def test_genes_of_one_symbol_are_summed(tmp_path) -> None:
    a, _ = two_samples(tmp_path)
    adata = loaded(tmp_path, a.counts.path)
    first = adata.X.tocsc(copy=True)
    first.data[first.data > 1] -= 1
    split = sparse.hstack([adata.X - first, first], format="csr")
    names = pd.Index([*adata.var_names, *adata.var_names])
    ad.AnnData(split, obs=adata.obs, var=pd.DataFrame(index=names)).write_h5ad(tmp_path / "twice.h5ad")
    twice = Sample("a", open_counts(tmp_path / "twice.h5ad"), a.annotation)
    pd.testing.assert_frame_equal(call([twice]).cells, call([a]).cells)


def test_a_label_keeps_min_reference_normals_and_then_borrows_none(tmp_path, healthy) -> None:
    one = sample(tmp_path, patient({"T": 17, "B": 60, "M": 60}, seed=7), "s1")
    annotation = pd.DataFrame({"cell_id": one.counts.cell_ids, "confidence": 0.95, "is_ood": False})
    annotation["label"] = loaded(tmp_path, one.counts.path).obs["lineage"].astype(str).to_numpy()
    cells = call([Sample("s1", one.counts, annotation)], healthy=healthy).cells
    mine = cells[cells["lineage"] == "T"]
    assert (mine["role"] == "reference").sum() == 15
    assert set(mine["reference_source"]) == {"patient"}
    assert (cells.loc[cells["lineage"] == "B", "role"] == "query").sum() == 12


@pytest.mark.parametrize(("number", "lineage"), [(19, "out of distribution"), (20, "T, out of distribution")])
def test_ood_cells_of_a_rare_label_are_pooled(tmp_path, number, lineage) -> None:
    a, _ = two_samples(tmp_path)
    annotation = a.annotation[~a.annotation["is_ood"]].reset_index(drop=True)
    chosen = annotation.index[annotation["label"] == "T"][:number]
    annotation.loc[chosen, "is_ood"] = True
    cells = call([Sample("a", a.counts, annotation)], min_reference=10).cells
    assert set(cells.loc[cells["is_ood"], "lineage"]) == {lineage}
