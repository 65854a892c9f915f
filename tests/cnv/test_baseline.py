"""A reference cell is compared with the other folds of its lineage, never with itself."""

from __future__ import annotations

import numpy as np
import pytest

from cellcohort.cnv.baseline import arm_dispersion, build_baseline, fold_numbers


def share_of(values: np.ndarray) -> np.ndarray:
    total = values.sum(axis=0) + 0.5
    return total / total.sum()


def test_reference_cells_are_held_out_and_others_see_all() -> None:
    values = np.random.default_rng(0).poisson(50, (40, 3)).astype(float)
    lineage, reference, folds = np.repeat([0, 1], 20), np.resize([True, True, False, False], 40), fold_numbers(40, 0)
    share = build_baseline(values, lineage, reference, folds).share
    for cell in range(40):
        mine = reference & (lineage == lineage[cell])
        if reference[cell]:
            mine &= folds != folds[cell]
        assert share[cell] == pytest.approx(share_of(values[mine]))


def test_cells_without_a_reference_have_no_expectation() -> None:
    values = np.ones((10, 2))
    baseline = build_baseline(values, np.resize([0, -1], 10), np.resize([True, False], 10), fold_numbers(10, 0))
    assert np.isnan(baseline.share[1::2]).all()
    assert np.isfinite(baseline.share[::2]).all()


def test_dispersion_is_what_a_poisson_does_not_explain() -> None:
    rng = np.random.default_rng(0)
    mean = np.full((4000, 4), 100.0)
    poisson, gamma = rng.poisson(mean), rng.poisson(mean * rng.gamma(4, 1 / 4, mean.shape))
    share = np.full(mean.shape, 0.25)
    assert arm_dispersion(poisson.astype(float), share).max() < 0.01
    assert arm_dispersion(gamma.astype(float), share).mean() == pytest.approx(0.25 * 0.75, abs=0.06)
