from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.verdict.positional_evidence import ALONE_LIMIT, LIMIT, QUIET, log_bayes_factor, positional_evidence


def evidence(own: float, group: float) -> float:
    return float(positional_evidence(pd.DataFrame({"pvalue": [own], "group_pvalue": [group]}))[0])


def test_a_p_value_stands_for_the_mean_over_its_alternatives():
    p, weights = 1e-3, (np.arange(100_000) + 0.5) / 100_000
    assert log_bayes_factor(np.array([p])) == pytest.approx(np.log((weights * p ** (weights - 1)).mean()), abs=1e-3)
    assert log_bayes_factor(np.array([0.05, np.nan, 1.0])).tolist() == [0, 0, 0]
    assert log_bayes_factor(np.array([0.0, 1e-300])).tolist() == [LIMIT, LIMIT]


def test_what_was_not_judged_is_no_evidence():
    assert evidence(np.nan, np.nan) == 0


def test_two_quiet_p_values_are_mildly_against():
    assert evidence(0.5, 0.5) == QUIET
    assert evidence(0.05, 0.5) == 0


def test_a_quiet_neighbourhood_doubts_its_group():
    assert evidence(np.nan, 1e-9) == evidence(1e-3, 1e-9) == LIMIT
    assert 0 < evidence(0.9, 1e-9) < evidence(0.1, 1e-9) < LIMIT


def test_a_quiet_group_doubts_a_neighbourhood():
    assert evidence(1e-9, 1e-3) == LIMIT
    assert evidence(1e-9, 0.5) == ALONE_LIMIT
