"""Clones: split the cells of a lineage into groups that differ in whole arms, and number the patterns of the groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from ..genes.chromosome_arms import ArmLayout
from .arm_counts import ArmCounts
from .arm_effects import compare, group_sums
from .likelihood import pattern_llr
from .patterns import Pattern
from .settings import Settings

_MAX_AXES = 4
_MAX_DISCOVERY = 4000
_CONFIRM_Z = 4.0


def find_groups(
    counts: sparse.csr_matrix,
    layout: ArmLayout,
    arm_counts: ArmCounts,
    dispersion: np.ndarray,
    *,
    settings: Settings,
    seed: int = 0,
) -> np.ndarray:
    """Split the cells of one lineage into groups with different arm dosages by recursive bisection.

    A group is split along a principal axis of the arm counts of every second gene; the other genes must show at least
    one arm that differs, else the split is dropped. So noise on which the cells were sorted cannot confirm itself.

    Parameters
    ----------
    counts
        (n_cells, n_genes) counts of the lineage, cells sorted by cell_id.
    layout
        The arms of the genes.
    arm_counts
        Arm counts of the same cells.
    dispersion
        (n_arms,) dispersion of the arm counts.

    Returns
    -------
    (n_cells,) group numbers from 0, in the order of each group's first cell.
    """
    rng = np.random.default_rng(seed)
    pending, done = [np.arange(counts.shape[0])], []
    while pending:
        cells = pending.pop()
        side = _split(counts, layout, arm_counts, dispersion, cells, settings, rng)
        if side is None:
            done.append(cells)
        else:
            pending += [cells[~side], cells[side]]
    groups = np.empty(counts.shape[0], dtype=np.int64)
    for number, cells in enumerate(sorted(done, key=lambda cells: cells[0] if len(cells) else -1)):
        groups[cells] = number
    return groups


def _split(
    counts: sparse.csr_matrix,
    layout: ArmLayout,
    arm_counts: ArmCounts,
    dispersion: np.ndarray,
    cells: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """The side of each cell in a confirmed split of `cells`, or None."""
    if len(cells) < 2 * settings.min_cells:
        return None
    some = cells if len(cells) <= _MAX_DISCOVERY else np.sort(rng.choice(cells, _MAX_DISCOVERY, replace=False))
    part, unseen = counts[some], layout.halves()[1]
    for start in _candidates(arm_counts.half[some], dispersion, settings.min_cells):
        side = _refine(arm_counts.half[some], start, dispersion)
        if min(side.sum(), (~side).sum()) < settings.min_cells:
            continue
        left, right = group_sums(part, side.astype(np.int64), 2)
        if not compare(right, left, unseen).exceed(settings.min_effect, _CONFIRM_Z).any():
            continue
        dosage = compare(right, left, layout).dosage(settings.min_effect, _CONFIRM_Z)
        final = _assign(arm_counts.values[cells], arm_counts.values[some][~side], dispersion, dosage)
        if min(final.sum(), (~final).sum()) >= settings.min_cells:
            return final
    return None


def _candidates(values: np.ndarray, dispersion: np.ndarray, smallest: int) -> Iterator[np.ndarray]:
    """Cuts along the leading principal axes: the best two groups in one dimension, then each tail."""
    share = values.sum(axis=0) / max(values.sum(), 1e-12)
    expected = np.maximum(values.sum(axis=1, keepdims=True) * share, 1e-9)
    z = (values - expected) / np.sqrt(expected + dispersion * expected**2)
    z = z - z.mean(axis=0)
    # einsum, not BLAS: the sum must not depend on the number of threads.
    _, axes = np.linalg.eigh(np.einsum("ij,ik->jk", z, z))
    for axis in axes.T[::-1][:_MAX_AXES]:
        score = np.einsum("ij,j->i", z, axis)
        yield score > _two_means(score, smallest)
        tail = max(smallest, len(score) // 10)
        ranked = np.sort(score)
        yield score >= ranked[-tail]
        yield score <= ranked[tail - 1]


def _two_means(score: np.ndarray, smallest: int) -> float:
    """The cut of one-dimensional scores with the largest variance between its sides."""
    ranked = np.sort(score)
    number = np.arange(1, len(ranked))
    left = np.cumsum(ranked)[:-1]
    between = (left / number - (ranked.sum() - left) / (len(ranked) - number)) ** 2 * number * (len(ranked) - number)
    between[: smallest - 1] = between[len(ranked) - smallest :] = -1
    return float(ranked[np.argmax(between)])


def _refine(values: np.ndarray, side: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Reassign cells to the likelier of the two groups' shares until nothing moves."""
    for _ in range(10):
        if side.all() or not side.any():
            return side
        shares = [values[cells].sum(axis=0) + 0.5 for cells in (~side, side)]
        ratio = (shares[1] / shares[1].sum()) / (shares[0] / shares[0].sum())
        moved = _assign(values, values[~side], dispersion, ratio)
        if (moved == side).all():
            break
        side = moved
    return side


def _assign(values: np.ndarray, base: np.ndarray, dispersion: np.ndarray, dosage: np.ndarray) -> np.ndarray:
    share = base.sum(axis=0) + 0.5
    return pattern_llr(values, share[None] / share.sum(), dispersion[None], dosage) > 0


def number_clones(patterns: list[Pattern]) -> list[int]:
    """Clone number of each pattern: patterns of several lineages that agree on every arm are one clone.

    Clones are numbered from 0 by the cells of their largest pattern.
    """
    by_size = sorted(range(len(patterns)), key=lambda i: (-len(patterns[i].cells), patterns[i].cells[0]))
    clone = [0] * len(patterns)
    largest: list[int] = []
    for index in by_size:
        same = [number for number, first in enumerate(largest) if _agree(patterns[index], patterns[first])]
        clone[index] = same[0] if same else len(largest)
        largest += [] if same else [index]
    return clone


def _agree(one: Pattern, other: Pattern) -> bool:
    """No arm differs by more than 0.35 beyond two and a half standard errors."""
    first, second = one.effects, other.effects
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.hypot(first.log2_ratio / first.z, second.log2_ratio / second.z)
        apart = np.abs(first.log2_ratio - second.log2_ratio) > np.maximum(0.35, 2.5 * error)
    return not apart.any()
