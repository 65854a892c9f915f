"""Tokens of any cells: bins by their definition, and no token lost, moved or made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from cellcohort.model.tokens import concatenate, length_batches, scale_bins, tokenise

QUIET = settings(max_examples=40, deadline=None, derandomize=True)
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 12))
VALUES = st.just(0.0) | st.floats(0.0625, 1e6, width=32) | st.integers(1, 5).map(float)
CELLS = arrays.arrays(np.float32, SHAPES, elements=VALUES)


@given(dense=CELLS, n_bins=st.integers(2, 255))
@QUIET
def test_bins_are_those_of_numpys_quantiles(dense, n_bins):
    tokens = tokenise(sparse.csr_matrix(dense), n_bins=n_bins)
    for cell, row in enumerate(dense):
        part = slice(tokens.indptr[cell], tokens.indptr[cell + 1])
        values = row[row > 0]
        assert tokens.genes[part].tolist() == np.flatnonzero(row).tolist()
        if values.size:
            expected = np.digitize(values, np.quantile(values, np.linspace(0, 1, n_bins)))
            assert tokens.bins[part].tolist() == expected.tolist()


@given(dense=CELLS)
@QUIET
def test_a_higher_value_never_has_a_lower_bin(dense):
    tokens = tokenise(sparse.csr_matrix(dense))
    for cell, row in enumerate(dense):
        bins = tokens.bins[tokens.indptr[cell] : tokens.indptr[cell + 1]].astype(int)
        order = np.argsort(row[row > 0], kind="stable")
        assert (np.diff(bins[order]) >= 0).all()
        assert ((bins >= 1) & (bins <= 50)).all()


@given(dense=CELLS, data=st.data())
@QUIET
def test_a_cell_has_the_same_tokens_alone_and_among_others(dense, data):
    tokens = tokenise(sparse.csr_matrix(dense))
    rows = np.array(data.draw(st.lists(st.integers(0, len(dense) - 1), max_size=8)), int)
    taken = tokens.take(rows)
    alone = concatenate([tokenise(sparse.csr_matrix(dense[[row]])) for row in rows])
    for name in ("indptr", "genes", "bins"):
        np.testing.assert_array_equal(getattr(taken, name), getattr(alone, name))
    genes, bins, mask = tokens.pad(rows)
    np.testing.assert_array_equal(genes[mask], taken.genes)
    np.testing.assert_array_equal(bins[mask], taken.bins)


@given(dense=CELLS)
@QUIET
def test_scaled_bins_and_silent_genes_agree_with_the_tokens(dense):
    n_genes = dense.shape[1]
    tokens = tokenise(sparse.csr_matrix(dense))
    scaled = scale_bins(tokens, n_genes, 50).toarray()
    np.testing.assert_array_equal(scaled > 0, dense > 0)
    every = tokens.with_silent(np.arange(n_genes))
    np.testing.assert_array_equal(every.bins.reshape(dense.shape), np.rint(scaled * 50))
    assert every.genes.reshape(dense.shape).tolist() == [list(range(n_genes))] * len(dense)


@given(dense=CELLS, seed=st.integers(0, 9), most=st.integers(1, 12))
@QUIET
def test_dropping_and_cutting_keep_the_rest_in_order(dense, seed, most):
    tokens = tokenise(sparse.csr_matrix(dense))
    keep = np.random.default_rng(seed).random(len(tokens.genes)) < 0.5
    dropped = tokens.drop(keep)
    assert (len(dropped), dropped.genes.tolist()) == (len(tokens), tokens.genes[keep].tolist())
    cut = tokenise(sparse.csr_matrix(dense), max_tokens=most)
    assert cut.lengths.tolist() == np.minimum(tokens.lengths, most).tolist()
    for cell, row in enumerate(dense):
        kept = cut.genes[cut.indptr[cell] : cut.indptr[cell + 1]]
        assert (np.diff(kept.astype(int)) > 0).all()
        assert row[kept].min(initial=np.inf) >= np.delete(row, kept).max(initial=0)


@given(lengths=st.lists(st.integers(0, 60), max_size=60), most=st.tuples(st.integers(1, 20), st.integers(1, 300)))
@QUIET
def test_batches_hold_every_cell_once_within_their_limits(lengths, most):
    lengths = np.array(lengths, int)
    batches = list(length_batches(lengths, *most))
    assert sorted(np.concatenate([np.empty(0, int), *batches])) == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch) <= most[0]
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= most[1]


@pytest.mark.parametrize("n_genes", [0, 3])
def test_cells_without_any_count_have_no_tokens(n_genes):
    assert tokenise(sparse.csr_matrix((4, n_genes), dtype=np.float32)).lengths.tolist() == [0] * 4
