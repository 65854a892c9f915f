import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from annotated import annotated
from small_reference import LABELS, write_sample

from cellcohort.inputs.counts import open_counts
from cellcohort.ood.extract import empty_ood, write_ood
from cellcohort.outputs.parquet import vectors, write_table
from cellcohort.outputs.schemas import ANNOTATION, embedding_schema


@pytest.fixture
def sample(tmp_path):
    return write_sample(tmp_path / "sample.h5ad", np.resize(np.array(LABELS, object), 30))


def annotation_of(counts, rows, is_ood):
    cells = pd.DataFrame({"cell_id": counts.cell_ids[rows], "is_ood": is_ood, "ood_score": np.arange(len(rows)) * 1.0})
    return annotated(cells)


@pytest.mark.parametrize("chosen", [[3, 4, 20], []])
def test_it_holds_the_ood_cells_with_all_genes(bundle, sample, tmp_path, chosen):
    source, counts = ad.read_h5ad(sample), open_counts(sample)
    rows = np.arange(2, 30)  # the first two did not pass QC
    embedding = np.random.default_rng(0).normal(size=(28, 32)).astype(np.float32)
    cells = annotation_of(counts, rows, np.isin(rows, chosen))
    write_table(tmp_path / "annotation.parquet", cells, ANNOTATION)
    write_table(
        tmp_path / "embedding.parquet",
        {"cell_id": cells["cell_id"], "vector": vectors(embedding)},
        embedding_schema(32),
    )
    paths = {name: tmp_path / f"{name}.parquet" for name in ("annotation", "embedding")}
    write_ood(tmp_path / "ood.h5ad", counts, **paths)
    written = ad.read_h5ad(tmp_path / "ood.h5ad")
    assert written.obs_names.tolist() == source.obs_names[chosen].tolist()
    np.testing.assert_array_equal(written.X.toarray(), source.X[chosen].toarray())
    assert written.var_names.tolist() == source.var_names.tolist()
    assert set(written.obs["origin"]) <= set(LABELS)
    np.testing.assert_array_equal(written.obsm["X_cellmemory"], embedding[np.array(chosen, int) - 2])
    assert written.obs["ood_score"].tolist() == [row - 2.0 for row in chosen]


def test_coordinates_come_along(bundle, sample, tmp_path):
    source = ad.read_h5ad(sample)
    source.obsm["spatial"] = np.arange(60.0).reshape(30, 2)
    source.write_h5ad(sample)
    counts, chosen = open_counts(sample), [3, 4, 20]
    cells = annotation_of(counts, np.arange(30), np.isin(np.arange(30), chosen))
    embedding = {"cell_id": cells["cell_id"], "vector": vectors(np.zeros((30, 32), np.float32))}
    write_table(tmp_path / "annotation.parquet", cells, ANNOTATION)
    write_table(tmp_path / "embedding.parquet", embedding, embedding_schema(32))
    paths = {name: tmp_path / f"{name}.parquet" for name in ("annotation", "embedding")}
    write_ood(tmp_path / "ood.h5ad", counts, **paths)
    np.testing.assert_array_equal(ad.read_h5ad(tmp_path / "ood.h5ad").obsm["spatial"], source.obsm["spatial"][chosen])


def test_samples_whose_symbols_occur_twice_join_and_rank(tmp_path):
    symbols, ids = ["A", "B", "A", "C", "B"], [f"ENSG{i:011d}" for i in range(5)]
    written = []
    for seed, name in enumerate(("first", "second")):
        content = ad.AnnData(np.random.default_rng(seed).poisson(3, (12, 5)).astype(np.float32))
        content.var, content.obs_names = pd.DataFrame({"name": symbols}, index=ids), [f"{name}{i}" for i in range(12)]
        content.write_h5ad(tmp_path / f"{name}.h5ad")
        counts = open_counts(tmp_path / f"{name}.h5ad", genes="name")
        cells = annotation_of(counts, np.arange(12), np.ones(12, bool))
        write_table(tmp_path / "annotation.parquet", cells, ANNOTATION)
        embedding = {"cell_id": cells["cell_id"], "vector": vectors(np.zeros((12, 4), np.float32))}
        write_table(tmp_path / "embedding.parquet", embedding, embedding_schema(4))
        paths = {part: tmp_path / f"{part}.parquet" for part in ("annotation", "embedding")}
        write_ood(tmp_path / "ood.h5ad", counts, **paths)
        written.append(ad.read_h5ad(tmp_path / "ood.h5ad"))
    for cells in written:
        assert cells.var_names.tolist() == ["A", "B", "A-1", "C", "B-1"]
        assert cells.var["symbol"].tolist() == symbols
        assert sc.get.obs_df(cells, ["A"]).shape == (12, 1)
        assert cells.obs["is_ood"].tolist() == ["True"] * 12
    for join in ("inner", "outer"):
        assert ad.concat(written, join=join).shape == (24, 5)


def test_a_rejected_sample_has_a_valid_file_of_no_cells(tmp_path):
    empty_ood(tmp_path / "ood.h5ad")
    written = ad.read_h5ad(tmp_path / "ood.h5ad")
    assert written.n_obs == 0
    assert "origin" in written.obs
