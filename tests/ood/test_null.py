import numpy as np
import pytest
from scipy.stats import norm

from cellcohort.ood.neighbourhoods import MOST
from cellcohort.ood.null import LEVELS, Null, fit_null


def alone(n):
    """Neighbourhoods of cells that have none but themselves."""
    return np.tile(np.arange(n)[:, None], MOST)


@pytest.fixture(scope="module")
def normal():
    """Scores of two labels, the second 5 higher and twice as wide."""
    rng, types = np.random.default_rng(0), np.resize([0, 1], 4000)
    scores = rng.normal(size=4000) * (1 + types) + 5 * types
    return fit_null(scores, types, alone(4000), 3)


def test_pvalues_of_new_cells_are_uniform(normal):
    types = np.resize([0, 1], 4000)
    new = np.random.default_rng(1).normal(size=4000) * (1 + types) + 5 * types
    pvalues = normal.pvalue(new, types, 1)
    for label in (0, 1):
        for level in (0.05, 0.2, 0.5):
            assert (pvalues[types == label] <= level).mean() == pytest.approx(level, abs=0.3 * level)


def test_the_tail_is_monotone_and_goes_on_below_one_in_the_cells(normal):
    values = np.linspace(-5, 30, 2000)
    pvalues = normal.pvalue(values, np.zeros(2000, int), 1)
    assert (np.diff(pvalues) <= 0).all()
    assert (np.diff(pvalues[values > 0]) < 0).all()
    assert pvalues.min() < 1e-10
    assert pvalues.min() > 0
    assert normal.pvalue(np.array([4.0]), np.zeros(1, int), 1)[0] < 1 / 2000


def test_the_tail_of_normal_scores_is_near_that_of_the_normal(normal):
    for level in (0.05, 0.01, 0.001):
        found = normal.pvalue(np.array([norm.isf(level)]), np.zeros(1, int), 1)[0]
        assert level / 3 < found < 3 * level


def test_means_of_neighbours_vary_less_and_meet_the_tail_of_single_cells():
    rng, types = np.random.default_rng(0), np.zeros(3000, int)
    neighbours = np.column_stack([np.arange(3000), *(rng.permutation(3000) for _ in range(MOST - 1))])
    null = fit_null(rng.normal(size=3000), types, neighbours, 1)
    assert null.spread[9][0] == pytest.approx(null.spread[0][0] / np.sqrt(10), rel=0.15)
    same = np.array([1.5])
    assert null.pvalue(same, types[:1], 10)[0] == pytest.approx(null.pvalue(same, types[:1], 1)[0], rel=0.2)


def test_a_label_of_no_cells_has_the_null_of_all(normal):
    assert normal.spread[0][2] == pytest.approx(normal.pooled_spread[0])
    usual, own = np.array(normal.tail[2]), np.array(normal.tail[:2])
    assert (own <= usual).all()
    assert usual == pytest.approx(own.mean(0), abs=0.3)


def test_a_mixed_label_does_not_widen_its_own_tail():
    rng, types = np.random.default_rng(0), np.resize([0, 1, 2], 3000)
    scores = rng.normal(size=3000)
    scores[(types == 2) & (rng.random(3000) < 0.3)] += 20
    null = fit_null(scores, types, alone(3000), 3)
    assert null.pvalue(np.array([20.0]), np.array([2]), 1)[0] < 0.01
    assert null.spread[0][2] < 2


def test_a_shift_is_taken_off_and_its_variance_widens(normal):
    value, label = np.array([4.0]), np.array([0])
    plain, shifted = normal.pvalue(value - 2, label, 1), normal.pvalue(value, label, 1, 2.0)
    assert shifted == pytest.approx(plain)
    assert normal.pvalue(value, label, 1, 2.0, 1.0)[0] > shifted[0]
    assert normal.pvalue(value, label, 1, -1.0)[0] < normal.pvalue(value, label, 1)[0]


def test_levels_run_from_one_down():
    assert LEVELS[0] == 1
    assert (np.diff(LEVELS) < 0).all()


def test_no_cells_are_no_error(normal):
    assert normal.pvalue(np.empty(0), np.empty(0, int), 1).shape == (0,)


@pytest.mark.parametrize("n", [1, 6, 25])
def test_few_reference_cells_are_no_error(n):
    null = fit_null(np.arange(n) * 1.0, np.zeros(n, int), alone(n), 2)
    assert isinstance(null, Null)
    assert np.isfinite(null.tail).all()
    assert np.min(null.spread) > 0
