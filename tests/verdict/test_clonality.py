from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.verdict.clonality import clonality_evidence, restriction


def b_cells(n_kappa: int, n_lambda: int, n_none: int = 0, label: str = "B") -> pd.DataFrame:
    kappa = [20.0] * n_kappa + [0.0] * (n_lambda + n_none)
    others = [0.0] * n_kappa + [20.0] * n_lambda + [0.0] * n_none
    return pd.DataFrame({"label": label, "kappa": kappa, "lambda": others})


def with_others(cells: pd.DataFrame) -> pd.DataFrame:
    """Together with as many T cells."""
    return pd.concat([cells, b_cells(0, 0, len(cells), label="T")], ignore_index=True)


@pytest.mark.parametrize("n_kappa", [55, 60, 65, 70])
def test_a_polyclonal_mix_is_no_evidence(n_kappa):
    assert clonality_evidence(with_others(b_cells(n_kappa, 100 - n_kappa))) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(("n_kappa", "n_lambda"), [(300, 0), (0, 300)])
def test_one_chain_alone_is_a_clone(n_kappa, n_lambda):
    found = clonality_evidence(with_others(b_cells(n_kappa, n_lambda)))
    assert (found[:300] > 6).all()
    assert (found[300:] == 0).all()


def test_a_few_cells_of_one_chain_are_none():
    assert (clonality_evidence(with_others(b_cells(4, 0))) < 1.5).all()


def test_the_rarer_chain_is_not_of_the_clone():
    found = clonality_evidence(with_others(b_cells(790, 120, 90)))
    kappa, others, none = found[:790], found[790:910], found[910:1000]
    assert kappa.min() > none.max()
    assert none.min() > 0
    assert (others < 0).all()


def test_light_chains_that_float_around_make_no_b_cell():
    t_cells = pd.DataFrame({"label": "T", "kappa": [3.0] * 400, "lambda": [0.0] * 400})
    both = pd.concat([t_cells, b_cells(65, 35)], ignore_index=True)
    assert clonality_evidence(both) == pytest.approx(0, abs=0.5)


def test_unknown_counts_are_no_evidence():
    cells = pd.DataFrame({"label": ["B"] * 30, "kappa": np.nan, "lambda": np.nan})
    assert (clonality_evidence(cells) == 0).all()
    assert len(clonality_evidence(cells[:0])) == 0


def test_restriction_grows_with_the_cells():
    assert restriction(5, 5) < restriction(20, 20) < restriction(200, 200)
    assert restriction(63, 100) < 0
