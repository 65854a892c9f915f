"""From z to p: calibrated on healthy cells, never surer than other studies allow."""

import numpy as np

from cellcohort.positional.null_distribution import TAIL, NullDistribution, fit_null


def test_the_usual_null_is_that_of_other_studies():
    null = NullDistribution()
    assert np.isclose(null.pvalue(np.array([2.6]))[0], 0.05)
    assert 0.008 < null.pvalue(np.array([3.8]))[0] < 0.012


def test_p_falls_with_z_and_has_no_floor():
    p = NullDistribution().pvalue(np.linspace(-5, 30, 400))
    assert (np.diff(p) < 0).all()
    assert 0 < p[-1] < 1e-12


def test_a_missing_z_has_no_p():
    assert np.isnan(NullDistribution().pvalue(np.array([np.nan]))).all()


def test_a_reference_can_only_widen_the_null():
    rng = np.random.default_rng(0)
    assert fit_null(rng.normal(size=500)) == NullDistribution(n_groups=500)
    wide = fit_null(rng.exponential(2, 2_000))
    assert wide.start > NullDistribution().start
    assert wide.scale > NullDistribution().scale
    z = rng.exponential(2, 20_000)
    assert abs((wide.pvalue(z) <= TAIL).mean() - TAIL) < 0.01
    assert (wide.pvalue(z) <= 0.001).mean() < 0.004


def test_without_groups_it_is_the_usual_one():
    assert fit_null(np.array([np.nan])) == NullDistribution()
