"""One patient from files: normal cells, borrowed cells, and the files of each sample."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from cnv_patients import ARMS, patient, positions

from cellcohort.cnv.heatmap import draw_heatmap
from cellcohort.cnv.patient import call_patient
from cellcohort.cnv.patient_files import split_sample, write_patient
from cellcohort.cnv.patient_samples import HealthyReference, Sample, gene_names
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.parquet import read_frame
from cellcohort.outputs.schemas import CNV_ARMS, CNV_CELLS, with_sample

EVENTS = {"E/1": {"1p": 0.5, "2q": 1.5, "4p": 0.5, "6q": 1.5}}


def sample(folder, adata: ad.AnnData, sample_id: str) -> Sample:
    """Write `adata` and annotate it: carriers are OOD and called T, as a model without their type would."""
    path = folder / f"{sample_id}.h5ad"
    adata.write_h5ad(path)
    label = adata.obs["lineage"].where(~adata.obs["carrier"], "T").astype(str).to_numpy()
    annotation = pd.DataFrame({
        "cell_id": adata.obs_names, "label": label, "confidence": 0.95, "is_ood": adata.obs["carrier"].to_numpy(),
    })  # fmt: skip
    return Sample(sample_id, open_counts(path), annotation.sample(frac=0.95, random_state=1))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> HealthyReference:
    adata = patient({"T": 300, "B": 40, "M": 40}, seed=7)
    path = tmp_path_factory.mktemp("healthy") / "healthy.h5ad"
    adata.write_h5ad(path)
    return HealthyReference(open_counts(path), adata.obs["lineage"].astype(object).where(adata.obs["lineage"] != "x"))


def run(samples, **options):
    return call_patient(samples, positions=positions(), arms=ARMS, **options)


def test_ood_cells_are_called_and_a_fifth_of_the_normals_is_held_out(tmp_path) -> None:
    adata = patient({"T": 100, "B": 60, "M": 60, "E/1": 80}, EVENTS, seed=7)
    one = sample(tmp_path, adata, "s1")
    cells = run([one]).cells
    assert cells["cell_id"].tolist() == one.annotation["cell_id"].tolist()
    ood = one.annotation["is_ood"].to_numpy()
    assert (cells["cnv_call"][ood] == "aneuploid").mean() > 0.95
    assert (cells["cnv_call"][~ood] == "aneuploid").mean() < 0.01
    assert (cells["role"][ood] == "query").all()
    held = (cells["role"][~ood] == "query").mean()
    assert 0.15 < held < 0.25


def test_few_normals_borrow_only_their_label(tmp_path, healthy) -> None:
    adata = patient({"T": 5, "B": 60, "M": 60}, seed=7)
    cells = run([sample(tmp_path, adata, "s1")], healthy=healthy).cells
    source = cells.groupby("lineage")["reference_source"].unique().map(list)
    assert source["T"] == ["patient and borrowed"]
    assert source["B"] == ["patient"]
    assert len(cells) == round(125 * 0.95)


def test_without_a_healthy_reference_nothing_is_borrowed(tmp_path) -> None:
    adata = patient({"T": 5, "B": 60, "M": 60}, seed=7)
    cells = run([sample(tmp_path, adata, "s1")]).cells
    assert (cells.loc[cells["lineage"] == "T", "cnv_call"] == "undetermined").all()


def test_only_normal_labels_serve(tmp_path) -> None:
    adata = patient({"T": 60, "B": 60, "M": 60}, seed=7)
    cells = run([sample(tmp_path, adata, "s1")], normal_labels=["B", "M"]).cells
    assert set(cells.loc[cells["role"] == "reference", "lineage"]) == {"B", "M"}


def test_order_of_samples_does_not_matter(tmp_path, healthy) -> None:
    adata = patient({"T": 60, "B": 60, "M": 60, "E/1": 60}, EVENTS, seed=8)
    half = np.arange(adata.n_obs) % 2 == 0
    samples = [sample(tmp_path, adata[half].copy(), "a"), sample(tmp_path, adata[~half].copy(), "b")]
    tables = [run(order, healthy=healthy).cells.set_index(["sample_id", "cell_id"]) for order in
              (samples, samples[::-1])]  # fmt: skip
    pd.testing.assert_frame_equal(tables[0], tables[1].loc[tables[0].index])


def test_genes_are_named_by_id_where_both_know_it() -> None:
    genes = pd.DataFrame({"symbol": ["old", "B"], "gene_id": ["ENSG1", None]})
    table = pd.DataFrame({"symbol": ["new", "B"], "gene_id": ["ENSG1", "ENSG2"]})
    assert gene_names(genes, table).tolist() == ["new", "B"]


def test_files_of_the_patient_and_of_each_sample(tmp_path) -> None:
    adata = patient({"T": 60, "B": 60, "M": 60, "E/1": 60}, EVENTS, seed=8)
    half = np.arange(adata.n_obs) % 2 == 0
    samples = [sample(tmp_path, adata[half].copy(), "a"), sample(tmp_path, adata[~half].copy(), "b")]
    result = run(samples)
    whole = {name: tmp_path / f"p.{name}" for name in ("cnv", "cells", "arms")}
    write_patient(result, "p1", **whole)
    assert read_frame(whole["cells"]).columns.tolist() == with_sample(CNV_CELLS).names
    for one in [*samples, Sample("rejected", samples[0].counts, samples[0].annotation[:0])]:
        part = {name: tmp_path / f"{one.sample_id}.{name}" for name in whole}
        split_sample(whole, part, sample_id=one.sample_id)
        cells, arms = read_frame(part["cells"]), read_frame(part["arms"])
        assert cells["cell_id"].tolist() == one.annotation["cell_id"].tolist()
        assert arms.columns.tolist() == CNV_ARMS.names
        assert ad.read_h5ad(part["cnv"]).obs_names.tolist() == cells["cell_id"].tolist()
    assert arms.empty


def test_a_patient_without_usable_samples(tmp_path) -> None:
    result = run([])
    write_patient(result, "p1", **{name: tmp_path / f"p.{name}" for name in ("cnv", "cells", "arms")})
    draw_heatmap(tmp_path / "p.png", result.cells, result.profile, result.chr_pos, title="p1")
    assert read_frame(tmp_path / "p.cells").empty
    assert (tmp_path / "p.png").exists()


def test_the_picture_is_small_and_the_same_twice(tmp_path) -> None:
    adata = patient({"T": 400, "B": 200, "M": 200, "E/1": 200}, EVENTS, seed=9)
    result = run([sample(tmp_path, adata, "s1")])
    for name in ("one.png", "two.png"):
        draw_heatmap(tmp_path / name, result.cells, result.profile, result.chr_pos, title="p1")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").stat().st_size < 150_000
