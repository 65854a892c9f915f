import numpy as np
import pytest

from cellcohort.classifier.label_sets import COVERAGES, MISSED, fit_limits, needed_coverage

AT = {coverage: place for place, coverage in enumerate(COVERAGES)}


def cells(n, *, n_labels=4, hard=1.0, shares=None, seed=0):
    """Probabilities of cells, which are those of their labels, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5 / hard, (n, n_labels)) + np.log(shares or [1] * n_labels)
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return probability, (rng.random((n, 1)) > probability.cumsum(1)).sum(1).clip(max=n_labels - 1)


def covered(probability, targets, limits, coverage):
    needed = needed_coverage(probability, limits)[np.arange(len(targets)), targets]
    return needed <= np.float32(coverage)


@pytest.mark.parametrize("coverage", COVERAGES)
def test_sets_cover_each_type_as_stated(coverage):
    probability, targets = cells(20_000, shares=[10, 3, 3, 1])
    limits = fit_limits(probability[:10_000], targets[:10_000])
    right = covered(probability[10_000:], targets[10_000:], limits, coverage)
    for label in range(4):
        own = right[targets[10_000:] == label]
        assert own.mean() > coverage - 3 * np.sqrt(coverage * (1 - coverage) / len(own)) - 0.01
    if coverage >= 0.9:  # below it the most probable type alone covers common types more often
        assert right.mean() < coverage + 0.03


@pytest.mark.parametrize("n", [60, 75, 99])
def test_the_mean_over_draws_is_at_least_the_coverage_and_at_most_by_a_cell_more(n):
    """The finite-sample guarantee, of one type whose probabilities are drawn anew each time."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(4000):
        own = rng.random(n + 1)
        probability = np.stack([own, 2 - own], 1)  # the other type is always more probable
        limits = fit_limits(probability[:n], np.zeros(n, int))
        found.append(covered(probability[n:], np.zeros(1, int), limits, 0.9)[0])
    assert 0.9 - 0.015 < np.mean(found) < 0.9 + 1 / (n + 1) + 0.015


def test_another_composition_of_the_sample_leaves_the_coverage_of_types():
    probability, targets = cells(20_000, shares=[20, 1, 1, 1])
    limits = fit_limits(probability[:10_000], targets[:10_000])
    rare = targets[10_000:] > 0
    assert covered(probability[10_000:], targets[10_000:], limits, 0.9)[rare].mean() > 0.87


def test_a_type_of_few_cells_leans_on_all_of_them():
    probability, targets = cells(2000)
    seen = np.flatnonzero((targets != 3) | (np.cumsum(targets == 3) <= 2))
    for kept in (seen, np.flatnonzero(targets != 3)):
        limit = fit_limits(probability[kept], targets[kept])[AT[0.9], 3]
        assert (probability[kept, targets[kept]] < limit).mean() == pytest.approx(0.1, abs=0.02)


def test_a_type_of_enough_cells_leans_on_none():
    probability, targets = cells(3000)
    kept = probability.copy()
    kept[targets == 0] *= 0.5
    for level in (0.8, 0.9):
        assert (targets == 1).sum() > MISSED / (1 - level)
        own, other = (fit_limits(x, targets)[AT[level], 1] for x in (probability, kept))
        assert own == other


def test_a_higher_coverage_never_takes_a_label_out():
    for n in (0, 1, 7, 40, 300):
        limits = fit_limits(*cells(n, seed=n))
        assert (np.diff(limits, axis=0) <= 0).all()
        assert (limits >= 0).all()


def test_sets_are_never_empty_and_hold_the_label():
    probability = cells(500)[0]
    needed = needed_coverage(probability, np.full((len(COVERAGES), 4), 2.0))
    assert (needed[np.arange(500), probability.argmax(1)] == np.float32(COVERAGES[0])).all()


def test_a_cell_in_which_no_type_reaches_its_limit_keeps_its_types_until_they_sum_to_the_coverage():
    limits = np.repeat([[0.7], [0.7], [0.7], [0.6], [0.1]], 4, 1)
    needed = needed_coverage(
        np.array([[0.52, 0.4, 0.05, 0.03], [0.75, 0.2, 0.04, 0.01], [0.1, 0.65, 0.05, 0.2]]), limits
    )
    expected = [[0.8, 0.8, 0.95, np.inf], [0.8, 0.99, np.inf, np.inf], [0.9, 0.8, np.inf, 0.8]]
    np.testing.assert_allclose(needed, expected, rtol=1e-6)


def test_without_held_out_cells_every_type_is_possible():
    limits = fit_limits(np.empty((0, 3)), np.empty(0, int))
    assert (needed_coverage(cells(5, n_labels=3)[0], limits) == np.float32(COVERAGES[0])).all()


def test_a_cell_is_judged_alone():
    probability, targets = cells(400)
    limits = fit_limits(probability, targets)
    whole = needed_coverage(probability, limits)
    order = np.random.default_rng(3).permutation(400)
    np.testing.assert_array_equal(fit_limits(probability[order], targets[order]), limits)
    np.testing.assert_array_equal(needed_coverage(probability[order], limits), whole[order])
    np.testing.assert_array_equal(needed_coverage(probability[7:8], limits), whole[7:8])
