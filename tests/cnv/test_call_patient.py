"""One patient from files: normal cells, borrowed cells, calls of all samples."""

from __future__ import annotations

import pandas as pd
import pytest
from cnv_patients import EVENTS, call, patient, sample, two_samples

from cellcohort.cnv.patient_samples import HealthyReference
from cellcohort.cnv.shared_genes import gene_names
from cellcohort.inputs.counts import open_counts


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


def test_order_of_samples_does_not_matter(tmp_path, healthy) -> None:
    samples = two_samples(tmp_path)
    tables = [call(order, healthy=healthy).cells.set_index(["sample_id", "cell_id"]) for order in
              (samples, samples[::-1])]  # fmt: skip
    pd.testing.assert_frame_equal(tables[0], tables[1].loc[tables[0].index])


def test_genes_are_named_by_id_where_both_know_it() -> None:
    genes = pd.DataFrame({"symbol": ["old", "B"], "gene_id": ["ENSG1", None]})
    table = pd.DataFrame({"symbol": ["new", "B"], "gene_id": ["ENSG1", "ENSG2"]})
    assert gene_names(genes, table).tolist() == ["new", "B"]
