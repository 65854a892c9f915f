import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.outputs import h5ad
from cellcohort.outputs.h5ad import growing_h5ad, write_h5ad


def test_text_is_written_as_every_anndata_reads_it(tmp_path):
    obs = pd.DataFrame({"text": ["a", "b"], "kind": pd.Categorical(["a", None])}, index=["cell 1", "cell 2"])
    path = tmp_path / "cells.h5ad"
    write_h5ad(path, ad.AnnData(obs=obs))
    with h5py.File(path) as file:
        texts = [file["obs"][name] for name in ("_index", "text", "kind/categories")]
        assert [text.attrs["encoding-type"] for text in texts] == ["string-array"] * 3
    assert ad.read_h5ad(path).obs["text"].tolist() == ["a", "b"]


@pytest.mark.parametrize(("largest", "dtype"), [(2**31 - 1, "int32"), (10, "int64")])
def test_row_pointers_and_column_numbers_have_one_dtype(tmp_path, monkeypatch, largest, dtype):
    monkeypatch.setattr(h5ad, "INT32_MAX", largest)
    matrix = sparse.random(20, 8, density=0.4, format="csr", dtype=np.float32, random_state=0)
    obs = pd.DataFrame(index=pd.Index([f"c{i}" for i in range(20)], dtype=object))
    var = pd.DataFrame(index=pd.Index(["A", "B", "A", *"DEFGH"], dtype=object))
    with growing_h5ad(tmp_path / "a.h5ad", obs=obs[:0], var=var, obsm={}) as file:
        for rows in (slice(0, 7), slice(7, 20)):
            file.append_obs(obs[rows])
            file.append_rows(matrix[rows])
    read = ad.read_h5ad(tmp_path / "a.h5ad")
    assert (matrix != read.X).nnz == 0
    assert read.X.indptr.dtype == read.X.indices.dtype == dtype
    assert read.var_names.tolist()[:3] == ["A", "B", "A-1"]
