"""Thresholds of single cells, and what is said of cells below them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cellcohort.cnv.cell_calls import _calls, _thresholds
from cellcohort.cnv.settings import Settings


def cells_of(lineage, depth: float = 100.0):
    lineage = np.asarray(lineage)
    counts = SimpleNamespace(values=np.full((len(lineage), 2), depth))
    return SimpleNamespace(
        lineage=lineage, lineage_names=["A", "B"][: lineage.max() + 1], settings=Settings(), arm_counts=counts
    )


def test_the_threshold_is_not_below_the_normal_cells() -> None:
    null = np.linspace(-5, 9, 101)
    llr = np.concatenate([null, np.full(50, 20.0)])
    threshold = _thresholds(cells_of(np.zeros(151, dtype=int)), llr, np.arange(151) < 101)
    assert threshold == pytest.approx(np.quantile(null, 0.99))


def test_the_threshold_rises_where_carriers_are_rare() -> None:
    llr = np.concatenate([np.full(50, -10.0), np.full(99, -10.0), [20.0]])
    threshold = _thresholds(cells_of(np.zeros(150, dtype=int)), llr, np.arange(150) < 50)
    assert threshold == pytest.approx(3 + np.log(99), abs=0.1)
    common = np.concatenate([np.full(50, -10.0), np.full(100, 20.0)])
    assert _thresholds(cells_of(np.zeros(150, dtype=int)), common, np.arange(150) < 50) == pytest.approx(3)


def test_each_lineage_has_its_own_threshold() -> None:
    llr = np.array([-9.0] * 20 + [20.0] * 20 + [7.0] * 20 + [20.0] * 20)
    null = np.resize([True] * 20 + [False] * 20, 80)
    threshold = _thresholds(cells_of(np.repeat([0, 1], 40)), llr, null)
    assert threshold[:40] == pytest.approx(3)
    assert threshold[40:] == pytest.approx(7)


@pytest.mark.parametrize(
    ("llr", "detectable", "call"),
    [
        (-1, 10, "diploid"), (-1, 3, "diploid"), (-1, 2.9, "undetermined"), (0, 10, "diploid"),
        (0.1, 10, "undetermined"), (3, 10, "undetermined"), (3.1, 10, "aneuploid"), (3.1, 2.9, "aneuploid"),
    ],
)  # fmt: skip
def test_calls_at_a_threshold_of_three(llr, detectable, call) -> None:
    one = [np.array([value], dtype=float) for value in (llr, detectable, 3)]
    assert _calls(cells_of([0]), *one, [SimpleNamespace(lineage=0)]).tolist() == [call]


def test_without_a_pattern_of_the_lineage_none_is_missed_and_without_counts_all_is() -> None:
    one = [np.array([value], dtype=float) for value in (-1, 0, 3)]
    assert _calls(cells_of([0]), *one, []).tolist() == ["diploid"]
    assert _calls(cells_of([0], depth=0.0), *one, []).tolist() == ["undetermined"]
