"""Whatever rows a table has, and in whatever parts they come: what is read is what was written."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from cellcohort.outputs import parquet
from cellcohort.outputs.h5ad import growing_h5ad

QUIET = settings(max_examples=20, deadline=None, derandomize=True)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
FLOATS = st.floats(allow_nan=False, width=32)
ROWS = st.lists(st.tuples(TEXT, st.none() | FLOATS, st.none() | TEXT, st.integers(-9, 9), st.booleans()), max_size=9)
SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("score", pa.float32()),
        pa.field("note", pa.string()),
        pa.field("number", pa.int64(), nullable=False),
        pa.field("flag", pa.bool_(), nullable=False),
    ]
)


def frame(rows) -> pd.DataFrame:
    """The rows, their columns in another order than the schema's."""
    table = pd.DataFrame(rows, columns=SCHEMA.names)
    dtypes = {"name": object, "note": object, "score": "float32", "number": "int64", "flag": bool}
    return table.astype(dtypes)[SCHEMA.names[::-1]]


def parts(rows, cuts):
    """The rows cut at some places."""
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    return [frame(rows[low:high]) for low, high in pairwise(edges)]


@given(rows=ROWS, cuts=st.lists(st.integers(0, 9), max_size=4), group=st.integers(1, 6))
@QUIET
def test_a_table_is_the_same_in_any_parts(rows, cuts, group):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        whole, stream = Path(folder) / "whole.parquet", Path(folder) / "stream.parquet"
        parquet.write_table(whole, frame(rows), SCHEMA)
        patch.setattr(parquet, "GROUP_ROWS", group)
        parquet.write_batches(stream, parts(rows, cuts), SCHEMA)
        first, second = parquet.read_frame(whole), parquet.read_frame(stream)
    pd.testing.assert_frame_equal(first, second)
    read = list(first.astype(object).where(first.notna(), None).itertuples(index=False, name=None))
    assert read == rows


@given(rows=ROWS, cuts=st.lists(st.integers(0, 9), max_size=3))
@QUIET
def test_the_text_for_people_has_every_row_once(rows, cuts):
    with tempfile.TemporaryDirectory() as folder:
        path, tsv = Path(folder) / "t.parquet", Path(folder) / "t.tsv"
        parquet.write_both(path, tsv, parts(rows, cuts), SCHEMA)
        text = pd.read_csv(tsv, sep="\t", dtype=str, keep_default_na=False)
        assert text.columns.tolist() == SCHEMA.names
        assert text["number"].tolist() == [str(row[3]) for row in rows]
        assert text["name"].tolist() == [row[0] for row in rows]
        for shown, row in zip(text["score"], rows, strict=True):
            assert (float(shown) == pytest.approx(row[1], rel=1e-5)) if row[1] is not None else shown == ""
        assert len(parquet.read_frame(path)) == len(rows)


@given(n_rows=st.integers(0, 12), n_columns=st.integers(1, 5), cuts=st.lists(st.integers(0, 12), max_size=3))
@settings(QUIET, max_examples=8)
def test_rows_that_are_added_in_any_parts_make_one_file(n_rows, n_columns, cuts):
    matrix = sparse.random(n_rows, n_columns, 0.4, format="csr", dtype=np.float32, random_state=n_rows)
    kinds = np.resize(np.array(["T", "B", None], object), n_rows)
    obs = pd.DataFrame({"kind": pd.Categorical(kinds, ["B", "T"]), "score": np.arange(n_rows) * 0.5})
    obs.index = pd.Index([f"c{i}" for i in range(n_rows)], dtype=object)
    var = pd.DataFrame(index=pd.Index([f"G{i}" for i in range(n_columns)], dtype=object))
    edges = [0, *sorted(min(cut, n_rows) for cut in cuts), n_rows]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5ad"
        with growing_h5ad(path, obs=obs[:0], var=var, obsm={"X_umap": 2}) as file:
            for low, high in pairwise(edges):
                file.append_obs(obs[low:high])
                file.append_rows(matrix[low:high])
                file.append_obsm("X_umap", np.full((high - low, 2), low, np.float32))
        read = ad.read_h5ad(path)
    assert read.obs_names.tolist() == obs.index.tolist()
    assert read.obs["kind"].astype(object).where(read.obs["kind"].notna(), None).tolist() == kinds.tolist()
    assert read.obs["score"].tolist() == obs["score"].tolist()
    np.testing.assert_array_equal(read.X.toarray(), matrix.toarray())
    assert read.obsm["X_umap"].shape == (n_rows, 2)


@given(rows=ROWS, seed=st.integers(0, 5), width=st.integers(1, 4))
@QUIET
def test_vectors_come_back_as_they_were(rows, seed, width):
    vectors = np.random.default_rng(seed).normal(size=(len(rows), width)).astype(np.float32)
    column = pa.chunked_array([parquet.vectors(vectors)])
    np.testing.assert_array_equal(parquet.stacked(column), vectors)
