"""Patterns of several lineages that agree on every arm are one clone."""

from __future__ import annotations

import numpy as np
import pytest

from cellcohort.cnv.arm_effects import Effects
from cellcohort.cnv.clones import number_clones
from cellcohort.cnv.patterns import Pattern


def pattern(ratio: list[float], error: float, first: int, number: int) -> Pattern:
    effects = Effects(np.array(ratio), np.array(ratio) / error)
    return Pattern(0, np.arange(first, first + number), effects, np.exp2(ratio))


@pytest.mark.parametrize(
    ("apart", "error", "same"), [(0.3, 0.01, True), (0.4, 0.01, False), (0.6, 0.2, True), (0.8, 0.2, False)]
)
def test_arms_agree_within_their_errors(apart, error, same) -> None:
    one, other = pattern([-1, 0.5], error, 0, 20), pattern([-1, 0.5 + apart], error, 20, 20)
    assert number_clones([one, other]) == ([0, 0] if same else [0, 1])


def test_clones_are_numbered_by_their_cells() -> None:
    small, large = pattern([-1, 0.5], 0.05, 0, 10), pattern([1, -0.5], 0.05, 10, 30)
    assert number_clones([small, large, small]) == [1, 0, 1]
    assert number_clones([]) == []
