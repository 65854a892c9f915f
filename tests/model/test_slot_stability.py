"""A slot's stability: groups of genes that go together return in other cells, groups of nothing do not."""

import numpy as np
import pytest
from scipy import sparse
from small_reference import N_GENES, make_store

from cellcohort.model import gene_embedding
from cellcohort.model.additive import AdditiveConfig
from cellcohort.model.additive_start import clusters
from cellcohort.model.gene_embedding import coexpression
from cellcohort.model.presets import make_network, set_start
from cellcohort.model.slot_stability import group_genes, overlap, slot_stability, stability_of_groups
from cellcohort.model.tokens import scale_bins
from cellcohort.reference.splits import spread_sample

SIZES = AdditiveConfig(240, 2, d_model=16, n_slots=4)


def cells_of(groups: np.ndarray, strength: float, n_cells: int = 400) -> sparse.csr_matrix:
    """Cells in which the genes of a group rise and fall together, as far as `strength` goes."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(n_cells, groups.max() + 1))[:, groups]
    values = strength * common + rng.normal(size=(n_cells, len(groups)))
    return sparse.csr_matrix(np.where(values > 0, values, 0))


def test_groups_that_go_together_return_and_groups_of_nothing_do_not():
    groups = np.repeat(np.arange(4), 60)
    assert stability_of_groups(groups, cells_of(groups, 1.0), SIZES, seed=1).tolist() == [1.0] * 4
    nothing = cells_of(groups, 0.0)
    found = group_genes(nothing, n_axes=SIZES.d_slot, n_groups=4)
    assert stability_of_groups(found, nothing, SIZES, seed=1).max() < 0.5
    assert stability_of_groups(np.tile(np.arange(4), 60), cells_of(groups, 1.0), SIZES, seed=1).tolist() == [0.0] * 4


def test_one_group_may_return_where_the_others_do_not():
    groups = np.repeat(np.arange(4), 60)
    mixed = groups.copy()
    mixed[60:] = np.resize([1, 2, 3], 180)
    assert stability_of_groups(mixed, cells_of(groups, 1.0), SIZES, seed=1).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_overlap_is_that_with_the_most_similar_group_whatever_its_number():
    groups, found = np.array([0, 0, 0, 1, 1, 2]), np.array([2, 2, 1, 1, 1, 0])
    assert overlap(groups, found, 4).tolist() == pytest.approx([2 / 3, 2 / 3, 1.0, 0.0])


def test_genes_are_grouped_as_the_start_groups_them(tmp_path):
    store = make_store(tmp_path / "tokens.arrow", n_cells=600)
    rows = np.arange(len(store))
    loadings = coexpression(store, rows, n_genes=N_GENES, n_axes=8)
    groups = group_genes(scale_bins(store.read(rows), N_GENES, 50), n_axes=8, n_groups=4)
    np.testing.assert_array_equal(groups, clusters(loadings, 4))


def test_axes_of_many_genes_are_those_of_few(tmp_path, monkeypatch):
    store = make_store(tmp_path / "tokens.arrow", n_cells=600)
    rows = np.flatnonzero(store.cells["split"] == "train")
    square = coexpression(store, rows, n_genes=N_GENES, n_axes=4)
    monkeypatch.setattr(gene_embedding, "MAX_SQUARE", N_GENES - 1)
    monkeypatch.setattr(gene_embedding, "_correlation", None)
    found = coexpression(store, rows, n_genes=N_GENES, n_axes=4)
    assert found.shape == square.shape
    np.testing.assert_allclose(found @ found.T, square @ square.T, atol=0.05 * np.abs(square @ square.T).max())
    np.testing.assert_allclose(found[:, -2:], square[:, -2:], atol=0.01 * np.abs(square).max())
    monkeypatch.setattr(gene_embedding, "MAX_CELLS", 90)
    few = coexpression(store, rows, n_genes=N_GENES, n_axes=4)
    chosen = rows[spread_sample(store.cells.iloc[rows], limit=90, seed=0)]
    np.testing.assert_array_equal(few, coexpression(store, chosen, n_genes=N_GENES, n_axes=4))
    assert not np.allclose(few, found)


def test_a_slot_is_as_stable_as_the_genes_that_prefer_it(tmp_path):
    store = make_store(tmp_path / "tokens.arrow", n_cells=600)
    rows = np.flatnonzero(store.cells["split"] == "train")
    model = make_network(AdditiveConfig(N_GENES, 3, d_model=32, n_slots=4))
    set_start(model, store, rows, seed=1)
    groups = model.prior.weight.argmax(1).numpy()
    bins = scale_bins(store.read(rows), N_GENES, 50)
    expected = stability_of_groups(groups, bins, model.config, seed=1)
    np.testing.assert_array_equal(slot_stability(model, store, seed=1), expected)
    assert ((expected >= 0) & (expected <= 1)).all()
