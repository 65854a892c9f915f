"""annotated.h5ad: all cells of the cohort, as scanpy expects them, and what is drawn of spatial samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from annotated import annotated
from small_reference import LABELS, N_GENES, make_vocabulary, write_sample

from cellcohort.cohort.cohort_h5ad import SampleFiles, column, write_annotated
from cellcohort.cohort.tissue_sections import sections
from cellcohort.genes.alignment import align_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.model.tokens import tokenise
from cellcohort.outputs import parquet, schemas
from cellcohort.outputs.parquet import as_table, write_table
from cellcohort.outputs.schemas import SECTIONS, UMAP

WIDTH = 4
NO_ALIASES = pd.DataFrame({"alias": [], "symbol": [], "kind": []}, dtype=object)


def make_sample(folder: Path, name: str, *, n_cells: int = 30, spatial: int = 0, cnv: bool = True) -> SampleFiles:
    """A sample of which the first two cells did not pass, with everything that the chain leaves of it."""
    folder = folder / name
    folder.mkdir()
    path = write_sample(folder / "cells.h5ad", np.resize(np.array(LABELS, object), n_cells))
    if spatial:
        cells = ad.read_h5ad(path)
        cells.obsm["spatial"] = np.arange(n_cells * spatial, dtype=float).reshape(n_cells, spatial)
        cells.write_h5ad(path)
    counts = open_counts(path)
    cells = annotated(pd.DataFrame({"cell_id": counts.cell_ids[2:], "is_ood": np.arange(2, n_cells) % 5 == 0}))
    cells = cells.assign(sample_id=name, patient_id=f"patient of {name}")
    write_table(folder / "annotation.parquet", cells, schemas.ANNOTATION)
    vectors = np.arange(len(cells) * WIDTH, dtype=np.float32).reshape(-1, WIDTH)
    embedding = {"cell_id": cells["cell_id"], "vector": parquet.vectors(vectors)}
    write_table(folder / "embedding.parquet", embedding, schemas.embedding_schema(WIDTH))
    alignment = align_genes(counts.genes, make_vocabulary(), NO_ALIASES)
    write_table(folder / "genes.parquet", alignment.table, schemas.GENES)
    if cnv:
        write_table(folder / "cnv_cells.parquet", _calls(cells), schemas.CNV_CELLS)
    sample = {"sample_id": name, "patient_id": f"patient of {name}", "tissue": "ovary"}
    verdict = np.where(cells["is_ood"], "malignant", "normal")
    judged = cells[["cell_id", "sample_id", "patient_id"]].assign(verdict=verdict, p_malignant=0.25, reason="arms")
    write_table(folder / "verdict.parquet", judged[::-1], schemas.VERDICT)
    parts = [folder / f"{name}.parquet" for name in ("genes", "annotation", "embedding", "verdict")]
    return SampleFiles(sample, "counts", path, *parts, cnv_cells=folder / "cnv_cells.parquet" if cnv else None)


def _calls(cells: pd.DataFrame) -> pd.DataFrame:
    """The calls of the cells in reverse order: they are joined by name."""
    calls = pd.DataFrame(dict.fromkeys(schemas.CNV_CELLS.names), index=range(len(cells)))
    altered = cells["is_ood"].to_numpy()
    calls = calls.assign(
        cell_id=cells["cell_id"].to_numpy(),
        role="query",
        cnv_score=np.arange(len(cells), dtype=np.float32),
        cnv_call=np.where(altered, "aneuploid", "diploid"),
        clone=np.where(altered, "clone 1", None),
        label="T",
        is_ood=altered,
    )
    return calls[::-1]


def write_umap(folder: Path, samples: list[SampleFiles]) -> Path:
    """A map that holds every second cell."""
    frames = []
    for files in samples:
        cells = parquet.read_frame(files.annotation, ["cell_id", "sample_id", "patient_id", "label", "is_ood"])
        frames.append(cells[::2].assign(set="cohort", x=1.0, y=np.arange(len(cells[::2])), cnv_call=None))
    write_table(folder / "umap.parquet", pd.concat(frames) if frames else UMAP.empty_table(), UMAP)
    return folder / "umap.parquet"


def write_cohort(folder: Path, samples: list[SampleFiles]) -> Path:
    path = folder / "annotated.h5ad"
    write_annotated(path, samples, vocabulary=make_vocabulary(), umap=write_umap(folder, samples), title="Ours")
    return path


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> tuple[list[SampleFiles], Path]:
    folder = tmp_path_factory.mktemp("cohort")
    samples = [make_sample(folder, "A", spatial=2), make_sample(folder, "B", n_cells=20, cnv=False)]
    return samples, write_cohort(folder, samples)


def test_every_annotated_cell_is_there_under_a_name_of_its_own(cohort):
    samples, path = cohort
    cells = ad.read_h5ad(path)
    assert cells.shape == (28 + 18, N_GENES)
    assert cells.obs_names.is_unique
    assert cells.obs_names[0] == "A|s002"
    for files in samples:
        name = files.sample["sample_id"]
        own, source = cells[cells.obs["sample_id"] == name], ad.read_h5ad(files.counts)
        assert own.obs["cell_id"].tolist() == source.obs_names[2:].tolist()
        np.testing.assert_array_equal(own.X.toarray(), source[2:, list(cells.var_names)].X.toarray())
        vectors = np.arange(own.n_obs * WIDTH).reshape(-1, WIDTH)
        np.testing.assert_array_equal(own.obsm["X_cellmemory"], vectors)


def test_columns_have_the_types_that_scanpy_expects(cohort):
    cells = ad.read_h5ad(cohort[1])
    kinds = cells.obs.dtypes.astype(str)
    texts = ["sample_id", "patient_id", "label", "origin", "tissue", "batch", "value_kind", "cnv_call", "clone"]
    assert set(kinds[[*texts, "is_ood"]]) == {"category"}
    assert set(kinds[["verdict", "verdict_reason"]]) == {"category"}
    assert set(kinds[["confidence", "cnv_score", "p_malignant"]]) == {"float32"}
    assert cells.obs["tissue"].cat.categories.tolist() == ["ovary"]
    assert cells.obs["batch"].isna().all()
    assert cells.X.dtype == np.float32
    assert cells.uns["title"] == "Ours"
    assert cells.var.loc["GENE3", ["chromosome", "start"]].tolist() == ["chr1", 3000]


def test_the_verdict_is_joined_by_name(cohort):
    obs = ad.read_h5ad(cohort[1]).obs
    assert (obs["verdict"] == "malignant").tolist() == (obs["is_ood"] == "True").tolist()
    assert set(obs["verdict_reason"]) == {"arms"}
    assert set(obs["p_malignant"]) == {0.25}


def test_copy_number_is_joined_by_name_and_missing_where_it_is(cohort):
    obs = ad.read_h5ad(cohort[1]).obs
    with_calls = obs["sample_id"] == "A"
    assert obs.loc[with_calls, "cnv_score"].tolist() == list(range(28))
    assert (obs.loc[with_calls, "cnv_call"] == "aneuploid").tolist() == (
        obs.loc[with_calls, "is_ood"] == "True"
    ).tolist()
    assert obs["clone"].dropna().unique().tolist() == ["patient of A|clone 1"]
    assert obs.loc[~with_calls, ["cnv_score", "cnv_call", "clone"]].isna().all(axis=None)


def test_map_and_coordinates_are_nan_where_there_are_none(cohort):
    cells = ad.read_h5ad(cohort[1])
    assert np.isfinite(cells.obsm["X_umap"]).all(axis=1).tolist() == [True, False] * 23
    spatial, with_places = cells.obsm["spatial"], (cells.obs["sample_id"] == "A").to_numpy()
    np.testing.assert_array_equal(spatial[with_places], np.arange(60.0).reshape(30, 2)[2:])
    assert np.isnan(spatial[~with_places]).all()


def test_scanpy_draws_it_and_it_opens_backed(cohort, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = ad.read_h5ad(cohort[1])
    for color in ("label", "GENE1", "cnv_call", "ood_score"):
        assert sc.pl.umap(cells, color=color, show=False) is not None
    sc.pl.embedding(cells, basis="spatial", color="is_ood", show=False)
    backed = ad.read_h5ad(cohort[1], backed="r")
    assert backed[backed.obs["is_ood"] == "True"].to_memory().n_obs == int((cells.obs["is_ood"] == "True").sum()) > 0
    sc.pp.log1p(cells)
    sc.tl.rank_genes_groups(cells, "is_ood", groups=["True"], reference="False", method="wilcoxon")


def test_the_structure_is_what_cellxgene_asks_for(cohort):
    """The checks of cellxgene's schema 5 that concern structure and not ontologies."""
    cells = ad.read_h5ad(cohort[1])
    assert cells.obs.columns.is_unique
    assert cells.var_names.is_unique
    assert not any(name.startswith("__") for name in (*cells.obs, *cells.var))
    for name, array in cells.obsm.items():
        assert name == "spatial" or name.startswith("X_")
        assert (array.shape[0], array.shape[1] >= 2) == (cells.n_obs, True)
        assert not np.isinf(array).any()
        assert not np.isnan(array).all()
    assert cells.uns["default_embedding"] in cells.obsm
    categoricals = cells.obs.select_dtypes("category")
    assert all(pd.api.types.is_string_dtype(cells.obs[name].cat.categories) for name in categoricals)
    with h5py.File(cohort[1]) as file:
        assert file["X"].attrs["encoding-type"] == "csr_matrix"


def test_without_a_usable_sample_the_file_is_valid_and_empty(tmp_path, bundle):
    files = replace(make_sample(tmp_path, "A"), value_kind=None)
    cells = ad.read_h5ad(write_cohort(tmp_path, [files]))
    assert cells.shape == (0, N_GENES)
    assert cells.obsm["X_cellmemory"].shape == (0, WIDTH)
    assert len(sections(tmp_path / "annotated.h5ad", bundle, tmp_path)) == 0


def test_memory_does_not_grow_with_the_cohort(tmp_path):
    """What is held while a sample is written does not depend on how many there are."""
    import tracemalloc

    peaks = []
    for n_samples in (2, 8):
        folder = tmp_path / str(n_samples)
        folder.mkdir()
        samples = [make_sample(folder, f"S{number}", n_cells=3000) for number in range(n_samples)]
        umap = write_umap(folder, samples[:1])
        tracemalloc.start()
        write_annotated(folder / "annotated.h5ad", samples, vocabulary=make_vocabulary(), umap=umap)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_some_rows_of_a_text_are_read(tmp_path):
    texts = {"some": ["b", None, "a", "b"], "none": [None] * 4}
    obs = pd.DataFrame({name: pd.Categorical(values) for name, values in texts.items()}, index=list("wxyz"))
    ad.AnnData(np.zeros((4, 1), np.float32), obs=obs).write_h5ad(tmp_path / "cells.h5ad")
    with h5py.File(tmp_path / "cells.h5ad") as file:
        for name, values in texts.items():
            for rows in (slice(0, 4), slice(1, 2), slice(2, 2)):
                assert column(file, name, rows).tolist() == values[rows]


def test_sections_hold_the_cells_that_have_a_place(cohort, bundle, tmp_path, monkeypatch):
    table = as_table(sections(cohort[1], bundle, tmp_path), SECTIONS).to_pandas()
    assert set(table["sample_id"]) == {"A"}
    assert table["x"].tolist() == [60 - 56.0 + 2 * row for row in range(28)]
    assert (table["cnv_call"] == "aneuploid").tolist() == table["is_ood"].tolist()
    cells = ad.read_h5ad(cohort[1])
    tokens = tokenise(cells[[f"A|{name}" for name in table["cell_id"]]].X, n_bins=bundle.model.config.n_bins)
    codes = pd.Index(bundle.labels).get_indexer(table["label"])
    scores = np.split(bundle.contributions.of(tokens, codes), tokens.indptr[1:-1])
    np.testing.assert_allclose(table["gene_score"], [part.max() for part in scores], rtol=1e-6)
    assert set(table["gene"]) <= set(cells.var_names)
    monkeypatch.setattr("cellcohort.cohort.tissue_sections.MOST_CELLS", 10)
    thinned = sections(cohort[1], bundle, tmp_path)
    assert len(thinned) == 10
    assert set(thinned["cell_id"]) < set(table["cell_id"])


@pytest.mark.parametrize("name", ["cells.h5ad", "cells.zarr"])
def test_coordinates_are_read_from_every_anndata(tmp_path, name):
    cells = ad.AnnData(np.ones((5, 3), np.float32), obsm={"spatial": np.arange(10.0).reshape(5, 2)})
    (cells.write_zarr if name.endswith("zarr") else cells.write_h5ad)(tmp_path / name)
    np.testing.assert_array_equal(open_counts(tmp_path / name).spatial, cells.obsm["spatial"])


@pytest.mark.parametrize("places", [np.ones((5, 1)), pd.DataFrame({"x": list("abcde"), "y": 1.0})])
def test_what_cannot_be_coordinates_is_left_out_with_a_warning(tmp_path, caplog, places):
    if isinstance(places, pd.DataFrame):
        places.index = [str(i) for i in range(5)]
    ad.AnnData(np.ones((5, 3), np.float32), obsm={"spatial": places}).write_h5ad(tmp_path / "cells.h5ad")
    assert open_counts(tmp_path / "cells.h5ad").spatial is None
    assert "is left out" in caplog.text
