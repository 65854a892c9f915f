import numpy as np
import pytest
from scipy import sparse

from cellcohort.ood import neighbourhoods
from cellcohort.ood.neighbourhoods import Axes, averaged, fit_axes, n_averaged, nearest, nearest_in_groups


def bins(n, seed=0, n_genes=30):
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix((rng.random((n, n_genes)) * (rng.random((n, n_genes)) < 0.5)).astype(np.float32))


@pytest.mark.parametrize(("n", "k"), [(0, 1), (1, 1), (20, 2), (100, 5), (400, 10), (1_000_000, 10)])
def test_a_neighbourhood_grows_with_the_sample(n, k):
    assert n_averaged(n) == k


def test_the_nearest_are_those_of_all_distances():
    points = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.testing.assert_array_equal(nearest(points, 6), np.argsort(distances, axis=1)[:, :6])


def test_blocks_of_a_large_sample_hold_nearly_all_neighbours(monkeypatch):
    points = np.random.default_rng(0).normal(size=(4000, 3)).astype(np.float32)
    exact = nearest(points, 10)
    monkeypatch.setattr(neighbourhoods, "LARGEST_BLOCK", 1000)
    found = nearest(points, 10)
    assert (found[:, 0] == np.arange(4000)).all()
    shared = [len(set(a) & set(b)) for a, b in zip(exact, found, strict=True)]
    assert np.mean(shared) > 8
    assert max(len(block) for block in neighbourhoods._blocks(points, np.arange(4000))) <= 1000


def test_few_cells_are_each_others_neighbours():
    assert sorted(nearest(np.array([[0.0], [1.0]]), 4)[0].tolist()) == [0, 0, 1, 1]
    assert nearest(np.empty((0, 2)), 3).shape == (0, 3)


def test_an_average_is_that_of_the_neighbourhood():
    values, neighbours = np.array([1.0, 2.0, 6.0]), np.array([[0, 1], [1, 0], [2, 1]])
    assert averaged(values, neighbours).tolist() == [1.5, 1.5, 4.0]


def test_axes_are_those_of_most_variance():
    scaled = bins(300)
    coordinates = fit_axes(scaled).project(scaled)
    centred = scaled.toarray() - scaled.mean(0).A1
    expected = np.linalg.svd(centred, compute_uv=False)[:20]
    np.testing.assert_allclose(np.linalg.norm(coordinates - coordinates.mean(0), axis=0), expected, rtol=1e-3)


@pytest.mark.parametrize(("n", "n_axes"), [(0, 1), (4, 1), (50, 10), (100, 20), (300, 20)])
def test_fewer_axes_in_a_small_sample(n, n_axes):
    assert fit_axes(bins(n)).components.shape == (30, n_axes)


def test_cells_that_are_all_the_same_have_no_axes():
    same = sparse.csr_matrix(np.ones((50, 30), np.float32))
    assert (fit_axes(same).project(same) == 0).all()


def test_a_cell_is_projected_alone():
    scaled, axes = bins(60), Axes(np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32))
    alone = np.concatenate([axes.project(scaled[i]) for i in range(60)])
    np.testing.assert_array_equal(axes.project(scaled), alone)


def test_neighbours_are_of_the_own_group():
    groups = np.resize([0, 1, 1], 90)
    found = nearest_in_groups(bins(90), groups)
    assert found.shape == (90, neighbourhoods.MOST)
    assert (groups[found] == groups[:, None]).all()
