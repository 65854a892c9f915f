"""Whatever small matrix a file holds, and in whatever form: what is read is what was written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse
from small_files import FORMS

from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.stores import backed_matrix

QUIET = settings(max_examples=6, deadline=None, derandomize=True)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
COUNTS = arrays.arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 9)), elements=st.integers(0, 3))


def write(folder: str, form: str, dense: np.ndarray) -> Path:
    """The counts as a file of this form."""
    n_cells, n_genes = dense.shape
    names = [f"cell{i}" for i in range(n_cells)], [f"GENE{i}" for i in range(n_genes)]
    return FORMS[form](Path(folder), sparse.csr_matrix(dense), *names)


@pytest.mark.parametrize("form", FORMS)
@given(dense=COUNTS)
@QUIET
def test_any_counts_are_read_as_they_were_written(form, dense):
    with tempfile.TemporaryDirectory() as folder:
        counts = open_counts(write(folder, form, dense))
        assert (counts.n_cells, counts.n_genes) == dense.shape
        assert counts.cell_ids.tolist() == [f"cell{i}" for i in range(len(dense))]
        assert counts.genes["symbol"].tolist() == [f"GENE{i}" for i in range(dense.shape[1])]
        np.testing.assert_array_equal(counts.read().toarray(), dense)


@pytest.mark.parametrize("form", FORMS)
@given(dense=COUNTS, chosen=st.sets(st.integers(0, 11)), size=st.integers(1, 13), block=st.integers(1, 40))
@QUIET
def test_any_rows_come_in_chunks_of_any_size(form, dense, chosen, size, block):
    rows = np.array(sorted(row for row in chosen if row < len(dense)), int)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(backed_matrix, "BLOCK", block)
        counts = open_counts(write(folder, form, dense))
        parts = list(counts.chunks(rows, size))
        assert np.concatenate([np.empty(0, int), *(part for part, _ in parts)]).tolist() == rows.tolist()
        for part, values in parts:
            np.testing.assert_array_equal(values.toarray(), dense[part])
            assert values.has_sorted_indices
            assert (values.data != 0).all()


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
@given(values=st.lists(st.none() | TEXT, min_size=1, max_size=8), categorical=st.booleans())
@QUIET
def test_a_column_of_any_text_is_read_without_the_blanks_around_it(suffix, values, categorical):
    names = [f"cell{i}" for i in range(len(values))]
    column = values if categorical else ["" if value is None else value for value in values]
    column = pd.Categorical(column) if categorical else np.array(column, object)
    obs = pd.DataFrame({"kind": column}, index=pd.Index(names, dtype=object))
    adata = ad.AnnData(sparse.csr_matrix((len(values), 2), dtype=np.float32), obs=obs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"cells{suffix}"
        adata.write_zarr(path) if suffix == ".zarr" else adata.write_h5ad(path)
        read = open_counts(path).obs_column("kind").tolist()
    assert read == ["" if value is None else value.strip() for value in values]
