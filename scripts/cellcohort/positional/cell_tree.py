"""Neighbourhoods and groups of a sample's cells: a tree that splits at the gaps between cells, never below a size.

Each node is split by its two means along the line between them; a cell's neighbourhood is its leaf, its group the
smallest node around it with enough cells. Sums over a group are thus sums over whole neighbourhoods, so that one pass
over the counts serves both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SMALLEST = 5
"""Cells of a neighbourhood: blocks of a tumour's genome show in as few (tests/benchmarks/README.md)."""
MAX_NEIGHBOURHOODS = 20_000
"""What bounds memory and time: in a larger sample, neighbourhoods grow."""
GROUP_CELLS = 40
N_ITERATIONS = 10
MAX_AXIS_CELLS = 1_000


@dataclass(frozen=True)
class CellTree:
    """Where n cells lie.

    Attributes
    ----------
    neighbourhood, group
        Number of each, shape (n,), int64; all cells of a neighbourhood lie in one group.
    """

    neighbourhood: np.ndarray
    group: np.ndarray

    def sum_by_group(self, sums: np.ndarray) -> np.ndarray:
        """Sums over neighbourhoods, shape (neighbourhoods, g), added up by group, shape (groups, g)."""
        group_of = np.zeros(len(sums), np.int64)
        group_of[self.neighbourhood] = self.group
        by_group = np.zeros((self.group.max(initial=-1) + 1, sums.shape[1]))
        np.add.at(by_group, group_of, sums)
        return by_group


def grow_tree(coordinates: np.ndarray) -> CellTree:
    """Divide cells by their coordinates, shape (n, d), n in an order that does not depend on the file."""
    smallest = max(SMALLEST, -(-len(coordinates) // MAX_NEIGHBOURHOODS))
    enough = max(GROUP_CELLS, 2 * smallest)
    neighbourhood, group = np.zeros((2, len(coordinates)), np.int64)
    n_neighbourhoods = n_groups = 0
    nodes = [(np.arange(len(coordinates)), -1)] if len(coordinates) else []
    while nodes:
        cells, within = nodes.pop()
        halves = _split(coordinates[cells], smallest)
        if within < 0 and (halves is None or min(halves.sum(), (~halves).sum()) < enough):
            within, n_groups = n_groups, n_groups + 1
            group[cells] = within
        if halves is None:
            neighbourhood[cells], n_neighbourhoods = n_neighbourhoods, n_neighbourhoods + 1
        else:
            nodes += [(cells[~halves], within), (cells[halves], within)]
    return CellTree(neighbourhood, group)


def _split(points: np.ndarray, smallest: int) -> np.ndarray | None:
    """Which points lie in the second half, shape (n,), bool; None where the halves would be too small."""
    if len(points) < 2 * smallest:
        return None
    along = _along_two_means(points)
    order = np.argsort(along, kind="stable")
    n_first = int(np.clip((along <= 0).sum(), smallest, len(points) - smallest))
    second = np.ones(len(points), bool)
    second[order[:n_first]] = False
    return second


def _along_two_means(points: np.ndarray) -> np.ndarray:
    """Place of each point along the line between the two means, 0 half way, shape (n,)."""
    centred = points - points.mean(0)
    axis = np.linalg.svd(centred[:: -(-len(points) // MAX_AXIS_CELLS)], full_matrices=False)[2][0]
    along = centred @ (axis * np.sign(axis[np.abs(axis).argmax()]))
    second = along > 0
    for _ in range(N_ITERATIONS):
        if second.all() or not second.any():
            break
        low, high = points[~second].mean(0), points[second].mean(0)
        along = (points - (low + high) / 2) @ (high - low)
        now = along > 0
        if (now == second).all():
            break
        second = now
    return along
