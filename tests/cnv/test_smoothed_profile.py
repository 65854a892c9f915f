"""The profile is infercnvpy's, whatever the chunk and the order of the cells."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from cnv_patients import patient, positions
from scipy import sparse

from cellcohort.cnv.smoothed_profile import infer_profile, log_normalise, reference_means, write_profile


@pytest.fixture(scope="module")
def cells() -> tuple[sparse.csr_matrix, pd.DataFrame, np.ndarray]:
    adata = patient({"A": 60, "B": 50, "C": 40}, seed=3)
    expression = log_normalise(adata.X, np.asarray(adata.X.sum(axis=1)).ravel())
    return expression, positions(), pd.Categorical(adata.obs["lineage"]).codes.astype(int)


@pytest.mark.parametrize("noise_sd", [1.5, None])
@pytest.mark.parametrize("n_references", [1, 2, 3])
@pytest.mark.parametrize(("window", "step"), [(100, 10), (250, 7), (400, 10)])
def test_equals_infercnvpy_on_one_chunk(cells, noise_sd, n_references, window, step) -> None:
    infercnvpy = pytest.importorskip("infercnvpy")
    expression, genes, codes = cells
    adata = ad.AnnData(expression, obs=pd.DataFrame({"code": pd.Categorical(codes.astype(str))}))
    adata.var = genes.set_index(pd.Index(genes["symbol"], dtype=object))  # it does not know pandas' type of text
    chr_pos, expected, _ = infercnvpy.tl.infercnv(
        adata, reference_key="code", reference_cat=[str(i) for i in range(n_references)], window_size=window,
        step=step, dynamic_threshold=noise_sd, chunksize=10_000, n_jobs=1, inplace=False,
    )  # fmt: skip
    groups = np.where(codes < n_references, codes, -1)
    ours = infer_profile(
        expression, genes, reference_means(expression, groups), window=window, step=step, noise_sd=noise_sd
    )
    assert abs(ours.values - expected).max() <= 1e-10
    assert ours.chr_pos == chr_pos
    assert len(ours.columns) == expected.shape[1]


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_chunk_and_order_do_not_matter(cells, chunk) -> None:
    expression, genes, codes = cells
    means = reference_means(expression, codes)
    whole = infer_profile(expression, genes, means, noise_cells=codes == 0).values.toarray()
    order = np.random.default_rng(chunk).permutation(len(codes))
    part = infer_profile(expression[order], genes, means, noise_cells=codes[order] == 0, chunk=chunk)
    assert np.array_equal(part.values.toarray(), whole[order])


def test_columns_name_the_genes_of_each_window(cells) -> None:
    expression, genes, codes = cells
    columns = infer_profile(expression, genes, reference_means(expression, codes)).columns
    first = columns[columns["chromosome"] == "chr2"].iloc[1]
    ordered = genes[genes["chromosome"] == "chr2"].sort_values("start")
    assert list(first["genes"]) == ordered["symbol"].iloc[10:110].tolist()
    assert (first["start"], first["end"]) == (ordered["start"].iloc[10], ordered["end"].iloc[10:110].max())


def test_no_cells_give_an_empty_profile(cells) -> None:
    expression, genes, codes = cells
    empty = infer_profile(expression[:0], genes, reference_means(expression, codes))
    assert empty.values.shape == (0, len(empty.columns))


def test_infercnvpy_draws_the_written_file(cells, tmp_path) -> None:
    infercnvpy = pytest.importorskip("infercnvpy")
    expression, genes, codes = cells
    profile = infer_profile(expression, genes, reference_means(expression, codes))
    obs = pd.DataFrame({"call": np.where(codes == 0, "diploid", None)}, index=[f"c{i}" for i in range(len(codes))])
    write_profile(tmp_path / "cnv.h5ad", obs, profile)
    adata = ad.read_h5ad(tmp_path / "cnv.h5ad")
    assert adata.uns["cnv"]["chr_pos"] == profile.chr_pos
    assert len(adata.uns["cnv"]["columns"]["genes"]) == adata.obsm["X_cnv"].shape[1]
    adata.obs["code"] = pd.Categorical(codes.astype(str))
    assert "heatmap_ax" in infercnvpy.pl.chromosome_heatmap(adata, groupby="code", show=False)
