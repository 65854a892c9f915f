"""Neighbourhoods never below a size, groups around them, splits at gaps."""

import numpy as np
import pytest

from cellcohort.positional import cell_tree
from cellcohort.positional.cell_tree import GROUP_CELLS, SMALLEST, grow_tree


@pytest.mark.parametrize("n", [0, 1, 4, 9, 10, 200, 1_003])
def test_every_cell_has_a_neighbourhood_of_enough_cells_in_one_group(n):
    tree = grow_tree(np.random.default_rng(0).normal(size=(n, 3)))
    assert len(tree.neighbourhood) == len(tree.group) == n
    for numbers, least in ((tree.neighbourhood, SMALLEST), (tree.group, GROUP_CELLS)):
        sizes = np.bincount(numbers)
        assert (sizes >= min(n, least)).all()
        assert set(numbers) == set(range(len(sizes)))
    assert len({*zip(tree.neighbourhood, tree.group, strict=True)}) == len(set(tree.neighbourhood))


def test_neighbourhoods_are_split_at_the_gap_between_populations():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 1, (93, 4)), rng.normal(9, 1, (61, 4))])
    tree = grow_tree(points)
    first, second = set(tree.group[:93]), set(tree.group[93:])
    assert not first & second


def test_in_a_larger_sample_neighbourhoods_grow(monkeypatch):
    monkeypatch.setattr(cell_tree, "MAX_NEIGHBOURHOODS", 10)
    tree = grow_tree(np.random.default_rng(0).normal(size=(500, 3)))
    assert np.bincount(tree.neighbourhood).min() >= 50


def test_cells_that_are_all_alike_are_divided_too():
    tree = grow_tree(np.zeros((57, 2)))
    assert np.bincount(tree.neighbourhood).min() >= SMALLEST
