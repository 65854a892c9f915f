import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.model.token_store import TokenStore, write_store
from cellcohort.model.tokens import Tokens, concatenate, length_batches, tokenise


def published_bins(values: np.ndarray, n_bins: int = 50) -> np.ndarray:
    """The binning that the paper's package states, one cell at a time."""
    return np.digitize(values, np.quantile(values, np.linspace(0, 1, n_bins)))


def expression(kind: str, shape=(200, 300), seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    counts = rng.negative_binomial(1, 0.5, shape).astype(np.float32)
    counts[0] = 0
    counts[1] = 3
    counts[2, 1:] = 0
    if kind == "log-normalised":
        return np.log1p(counts / np.maximum(counts.sum(1, keepdims=True), 1) * 1e4)
    return counts * np.float32(1.37) if kind == "expected counts" else counts


@pytest.mark.parametrize("kind", ["counts", "expected counts", "log-normalised"])
def test_bins_equal_the_published_ones_bit_by_bit(kind):
    dense = expression(kind)
    tokens = tokenise(sparse.csr_matrix(dense))
    for cell, row in enumerate(dense):
        genes = np.flatnonzero(row)
        part = slice(tokens.indptr[cell], tokens.indptr[cell + 1])
        assert tokens.genes[part].tolist() == genes.tolist()
        if len(genes):
            assert tokens.bins[part].tolist() == published_bins(row[genes]).tolist()


def test_raw_and_log_normalised_values_without_interpolated_ties_give_the_same_bins():
    values = np.sort(np.random.default_rng(1).choice(10_000, (20, 50), replace=False).astype(np.float32), 1)
    raw, logged = tokenise(sparse.csr_matrix(values)), tokenise(sparse.csr_matrix(np.log1p(values)))
    assert np.abs(raw.bins.astype(int) - logged.bins).max() <= 1


def test_explicit_zeros_and_unsorted_columns_do_not_count():
    matrix = sparse.csr_matrix(([2.0, 0.0, 1.0], [3, 1, 0], [0, 3]), shape=(1, 4))
    tokens = tokenise(matrix)
    assert tokens.genes.tolist() == [0, 3]
    assert matrix.nnz == 3  # the caller's matrix is untouched


def test_long_cells_keep_their_most_expressed_genes_ties_by_gene_order():
    tokens = tokenise(sparse.csr_matrix(np.array([[1.0, 5.0, 1.0, 3.0, 1.0]])), max_tokens=3)
    assert tokens.genes.tolist() == [0, 1, 3]


def test_take_and_pad_agree():
    tokens = tokenise(sparse.csr_matrix(expression("counts")))
    rows = np.array([5, 2, 0, 77])
    genes, bins, mask = tokens.pad(rows)
    taken = tokens.take(rows)
    assert mask.sum(1).tolist() == taken.lengths.tolist()
    np.testing.assert_array_equal(genes[mask], taken.genes)
    np.testing.assert_array_equal(bins[mask], taken.bins)


def test_drop_keeps_cells():
    genes, bins, levels = np.array([1, 4, 2], np.uint16), np.array([9, 8, 7], np.uint8), np.ones(3, np.float16)
    tokens = Tokens(np.array([0, 2, 3, 3]), genes, bins, levels)
    kept = tokens.drop(np.array([True, False, False]))
    assert kept.indptr.tolist() == [0, 1, 1, 1]
    assert kept.genes.tolist() == [1]


@pytest.mark.parametrize("shard", [7, 50, 1000])
def test_store_gives_back_any_rows_whatever_the_shards(tmp_path, shard):
    tokens = tokenise(sparse.csr_matrix(expression("counts")))
    n = len(tokens)
    cells = pd.DataFrame(
        {
            "cell_id": [f"c{i}" for i in range(n)],
            "label": "a",
            "donor": [None, "d"] * (n // 2),
            "split": "train",
            "coarse": None,
        }
    )
    starts = range(0, n, shard)
    path = tmp_path / "tokens.arrow"
    write_store(path, ((tokens.take(np.arange(i, min(i + shard, n))), cells.iloc[i : i + shard]) for i in starts))
    store = TokenStore(path)
    rows = np.array([0, 3, 49, 50, 51, 199])
    read = store.read(rows)
    assert len(store) == n
    assert store.cells["donor"].isna().sum() == n // 2
    np.testing.assert_array_equal(read.genes, tokens.take(rows).genes)
    np.testing.assert_array_equal(read.bins, tokens.take(rows).bins)
    np.testing.assert_array_equal(store.cells["n_tokens"], tokens.lengths)


def test_concatenate_nothing_is_no_cells():
    assert len(concatenate([])) == 0


@pytest.mark.parametrize("max_tokens", [10, 1000])
def test_length_batches_hold_every_cell_once_within_the_limits(max_tokens):
    lengths = np.random.default_rng(0).integers(1, 60, 300)
    batches = list(length_batches(lengths, 64, max_tokens))
    assert sorted(np.concatenate(batches)) == list(range(300))
    for batch in batches:
        assert len(batch) <= 64
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= max_tokens
