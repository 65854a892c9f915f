"""Arm patterns: test which groups of cells carry gained or lost arms, each against the normal cells of its lineage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.stats import hypergeom

from ..genes.chromosome_arms import ArmLayout
from .arm_counts import ArmCounts
from .arm_effects import Effects, compare, group_sums
from .settings import Settings

_MIN_OWN_REFERENCE = 20
_MAX_CELL_STATE_ARMS = 2
_MAX_CHANCE = 0.01


@dataclass(frozen=True)
class Cells:
    """What is known of the cells of one patient, sorted by cell_id.

    Attributes
    ----------
    counts
        (n_cells, n_genes) CSR counts of the placed genes.
    layout
        The arms of the genes.
    arm_counts
        Arm counts of each cell.
    lineage, lineage_names
        (n_cells,) number of each cell's lineage; the names.
    group
        (n_cells,) number of each cell's group within its lineage.
    genome_arms
        Names of the arms that would be measured if the cells' genes were all that have a position.
    """

    counts: sparse.csr_matrix
    layout: ArmLayout
    arm_counts: ArmCounts
    lineage: np.ndarray
    lineage_names: list[str]
    group: np.ndarray
    genome_arms: list[str]
    settings: Settings


@dataclass(frozen=True)
class Pattern:
    """Arms that a group carries.

    Attributes
    ----------
    lineage
        Number of the group's lineage.
    cells
        (n,) row numbers of the group.
    effects
        The group's arms against its reference.
    dosage
        (n_arms,) dosage relative to normal, 1 where no arm is called.
    """

    lineage: int
    cells: np.ndarray
    effects: Effects
    dosage: np.ndarray


@dataclass(frozen=True)
class PatternSearch:
    """What a search for patterns finds.

    Attributes
    ----------
    patterns
        In the order of lineages and groups.
    reference
        (n_cells,) bool, the reference cells that lie in no group with a pattern.
    own_reference
        (n_cells,) bool, the cells that serve a lineage without reference cells as its reference.
    undecided
        (n_cells,) bool, the cells of groups that may be altered or may be normal.
    """

    patterns: list[Pattern]
    reference: np.ndarray
    own_reference: np.ndarray
    undecided: np.ndarray


def find_patterns(cells: Cells, reference: np.ndarray, matched: list[int], *, min_reference: int) -> PatternSearch:
    """Test every group of every lineage, and purify the reference of cells in groups that carry an arm.

    Parameters
    ----------
    reference
        (n_cells,) bool.
    matched
        Numbers of the lineages with enough reference cells; the others are compared with the geometric mean of these.
    min_reference
        Reference cells that a group needs to be its lineage's baseline.
    """
    nobody = np.zeros(len(reference), dtype=bool)
    search = PatternSearch([], reference.copy(), nobody, nobody.copy())
    normals = group_sums(cells.counts, np.where(reference, cells.lineage, -1), len(cells.lineage_names))
    for lineage in range(len(cells.lineage_names)):
        others = normals[[number for number in matched if number != lineage]]
        rows = np.flatnonzero(cells.lineage == lineage)
        if lineage in matched:
            _test_matched(cells, search, lineage, rows, others, min_reference)
        elif len(others) and len(rows) >= cells.settings.min_cells:
            _test_unmatched(cells, search, lineage, rows, others)
    return search


def _test_matched(
    cells: Cells, search: PatternSearch, lineage: int, rows: np.ndarray, others: np.ndarray, min_reference: int
) -> None:
    """Groups of a lineage against its reference cells in the group that looks most normal."""
    group, is_reference = cells.group[rows], search.reference[rows]
    number = group.max() + 1
    counts = cells.counts[rows]
    normal = group_sums(counts, np.where(is_reference, group, -1), number)
    n_reference = np.bincount(group[is_reference], minlength=number)
    baseline = _baseline_group(cells, n_reference, normal, others, min_reference)
    for index in range(number):
        tested = (group == index) & ~(is_reference & (index == baseline))
        if tested.sum() < cells.settings.min_cells:
            continue
        pattern = _pattern(cells, lineage, rows[tested], normal[[baseline]])
        if pattern is None:
            continue
        if index != baseline and _looks_normal(group == index, is_reference, is_only=not len(others)):
            is_known = _n_arms(cells, normal[index], others) > _n_arms(cells, normal[baseline], others)
            if not is_known or (pattern.dosage != 1).sum() <= _MAX_CELL_STATE_ARMS:
                search.undecided[rows[(group == index) | (not is_known) & (group == baseline)]] = True
                continue
        search.patterns.append(pattern)
        search.reference[pattern.cells] = False


def _baseline_group(
    cells: Cells, n_reference: np.ndarray, normal: np.ndarray, others: np.ndarray, min_reference: int
) -> int:
    """The group whose reference cells stand for the lineage: fewest arms against the other lineages, then largest."""
    able = np.flatnonzero(n_reference >= min(min_reference, cells.settings.min_cells))
    if len(able) <= 1 or not len(others):
        return int(np.argmax(n_reference))
    n_called = [_n_arms(cells, normal[index], others) for index in able]
    return int(min(zip(able, n_called, strict=True), key=lambda pair: (pair[1], -n_reference[pair[0]]))[0])


def _looks_normal(members: np.ndarray, is_reference: np.ndarray, *, is_only: bool) -> bool:
    """Whether reference cells are in a group about as often as query cells.

    Such a group may be a state of normal cells, or a tumour that the labels do not tell from them. Of an only lineage,
    which nothing else can be compared with, so may one in which they are not rare beyond chance.
    """
    if is_reference.all() or not is_reference.any():
        return bool(is_reference.all())
    often = members[is_reference].mean() > 0.5 * members[~is_reference].mean()
    sizes = len(members), is_reference.sum(), members.sum()
    return bool(often or (is_only and hypergeom.cdf(members[is_reference].sum(), *sizes) > _MAX_CHANCE))


def _test_unmatched(cells: Cells, search: PatternSearch, lineage: int, rows: np.ndarray, others: np.ndarray) -> None:
    """Groups of a lineage without reference: against its own normal-looking group, else against the other lineages."""
    group = cells.group[rows]
    sums = group_sums(cells.counts[rows], group, group.max() + 1)
    effects = [compare(one, others, cells.layout) for one in sums]
    n_called = np.array([_n_called(cells, one) for one in effects])
    baseline = _own_baseline_group(effects, n_called, np.bincount(group))
    reference = others if baseline is None else sums[[baseline]]
    before = len(search.patterns)
    for index in range(len(sums)):
        if index != baseline and (group == index).sum() >= cells.settings.min_cells:
            pattern = _pattern(cells, lineage, rows[group == index], reference)
            search.patterns.extend([pattern] if pattern is not None else [])
    if baseline is not None and len(search.patterns) > before:
        search.own_reference[rows[group == baseline]] = True


def _own_baseline_group(effects: list[Effects], n_called: np.ndarray, sizes: np.ndarray) -> int | None:
    """The group that may serve its lineage as reference: no arm called, many cells, the smallest mean effect."""
    effect = np.array([np.nanmean(np.abs(one.log2_ratio)) if np.isfinite(one.z).any() else np.inf for one in effects])
    able = np.flatnonzero((n_called == 0) & (sizes >= _MIN_OWN_REFERENCE) & np.isfinite(effect))
    return int(able[np.argmin(effect[able])]) if len(able) and len(effects) > 1 else None


def _n_arms(cells: Cells, group: np.ndarray, others: np.ndarray) -> int:
    """Arms of a group that are called against other lineages; 0 where there is none."""
    return _n_called(cells, compare(group, others, cells.layout)) if len(others) else 0


def _n_called(cells: Cells, effects: Effects) -> int:
    calls = effects.call_arms(min_effect=cells.settings.min_effect, min_z=cells.settings.min_z)
    return int(np.abs(calls).sum())


def _pattern(cells: Cells, lineage: int, rows: np.ndarray, reference: np.ndarray) -> Pattern | None:
    """The pattern of some cells of a lineage against summed reference counts; None if no arm is called."""
    group = np.asarray(cells.counts[rows].sum(axis=0), dtype=np.float64).ravel()
    effects = compare(group, reference, cells.layout)
    dosage = effects.dosage(cells.settings.min_effect, cells.settings.min_z)
    return Pattern(lineage, rows, effects, dosage) if (dosage != 1).any() else None
