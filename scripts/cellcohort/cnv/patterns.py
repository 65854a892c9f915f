"""Which groups of cells carry which arms: every group against the normal cells of its lineage."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from ..genes.chromosome_arms import ArmLayout
from .arm_counts import ArmCounts
from .arm_effects import Effects, compare, group_sums
from .settings import Settings

_MIN_SELF = 20
_MAX_STATE_ARMS = 2


@dataclass(frozen=True)
class Cells:
    """What is known of the cells of one patient, sorted by cell_id.

    Attributes
    ----------
    counts
        (n_cells, n_genes) CSR counts of the placed genes.
    layout
        The arms of the genes.
    table
        Arm counts of each cell.
    lineage, lineage_names
        (n_cells,) number of each cell's lineage; the names.
    group
        (n_cells,) number of each cell's group within its lineage.
    """

    counts: sparse.csr_matrix
    layout: ArmLayout
    table: ArmCounts
    lineage: np.ndarray
    lineage_names: list[str]
    group: np.ndarray
    settings: Settings


@dataclass(frozen=True)
class Pattern:
    """Arms that a group carries.

    Attributes
    ----------
    cells
        (n,) row numbers of the group.
    factor
        (n_arms,) dosage relative to normal, 1 where no arm is called.
    """

    lineage: int
    cells: np.ndarray
    effects: Effects
    factor: np.ndarray


@dataclass
class Findings:
    """Patterns, the reference cells that remain, and the cells that serve an unmatched lineage as its own reference."""

    patterns: list[Pattern] = field(default_factory=list)
    reference: np.ndarray | None = None
    own_reference: np.ndarray | None = None


def find_patterns(cells: Cells, reference: np.ndarray, matched: list[int], *, min_reference: int) -> Findings:
    """Judge every group of every lineage, and purify the reference of cells in groups that carry an arm.

    Parameters
    ----------
    reference
        (n_cells,) bool.
    matched
        Numbers of the lineages with enough reference cells; the others are compared with the geometric mean of these.
    """
    found = Findings([], reference.copy(), np.zeros(len(reference), dtype=bool))
    normals = group_sums(cells.counts, np.where(reference, cells.lineage, -1), len(cells.lineage_names))
    for lineage in range(len(cells.lineage_names)):
        others = normals[[number for number in matched if number != lineage]]
        rows = np.flatnonzero(cells.lineage == lineage)
        if lineage in matched:
            _judge_matched(cells, found, lineage, rows, others, min_reference)
        elif len(others) and len(rows) >= cells.settings.min_cells:
            _judge_unmatched(cells, found, lineage, rows, others)
    return found


def _judge_matched(
    cells: Cells, found: Findings, lineage: int, rows: np.ndarray, others: np.ndarray, min_reference: int
) -> None:
    """Groups of a lineage against its reference cells in the group that looks most normal."""
    group, is_reference = cells.group[rows], found.reference[rows]
    number = group.max() + 1
    part = cells.counts[rows]
    normal = group_sums(part, np.where(is_reference, group, -1), number)
    home = _home(cells, np.bincount(group[is_reference], minlength=number), normal, others, min_reference)
    for index in range(number):
        tested = (group == index) & ~(is_reference & (index == home))
        if tested.sum() < cells.settings.min_cells:
            continue
        pattern = _pattern(cells, lineage, rows[tested], normal[[home]])
        state = index != home and _is_state(group == index, is_reference, pattern)
        if pattern is not None and not state:
            found.patterns.append(pattern)
            found.reference[pattern.cells] = False


def _home(cells: Cells, n_reference: np.ndarray, normal: np.ndarray, others: np.ndarray, min_reference: int) -> int:
    """The group whose reference cells stand for the lineage: fewest arms against the other lineages, then largest."""
    able = np.flatnonzero(n_reference >= min_reference)
    if len(able) <= 1 or not len(others):
        return int(np.argmax(n_reference))
    arms = [_calls(cells, compare(normal[index], others, cells.layout)) for index in able]
    return int(min(zip(able, arms, strict=True), key=lambda pair: (np.abs(pair[1]).sum(), -n_reference[pair[0]]))[0])


def _is_state(members: np.ndarray, is_reference: np.ndarray, pattern: Pattern | None) -> bool:
    """Whether a group is a cell state: one or two arms, and reference cells in it about as often as query cells."""
    if pattern is None or (pattern.factor != 1).sum() > _MAX_STATE_ARMS or is_reference.all():
        return False
    return members[is_reference].mean() > 0.5 * members[~is_reference].mean() if is_reference.any() else False


def _judge_unmatched(cells: Cells, found: Findings, lineage: int, rows: np.ndarray, others: np.ndarray) -> None:
    """Groups of a lineage without reference: against its own normal-looking group, else against the other lineages."""
    group = cells.group[rows]
    sums = group_sums(cells.counts[rows], group, group.max() + 1)
    effects = [compare(one, others, cells.layout) for one in sums]
    n_called = np.array([np.abs(_calls(cells, one)).sum() for one in effects])
    home = _own_home(effects, n_called, np.bincount(group))
    reference = others if home is None else sums[[home]]
    before = len(found.patterns)
    for index in range(len(sums)):
        if index != home and (group == index).sum() >= cells.settings.min_cells:
            pattern = _pattern(cells, lineage, rows[group == index], reference)
            found.patterns += [pattern] if pattern is not None else []
    if home is not None and len(found.patterns) > before:
        found.own_reference[rows[group == home]] = True


def _own_home(effects: list[Effects], n_called: np.ndarray, sizes: np.ndarray) -> int | None:
    """The group that may serve its lineage as reference: no arm called, many cells, the smallest burden."""
    burden = np.array([np.nanmean(np.abs(one.log2_ratio)) if np.isfinite(one.z).any() else np.inf for one in effects])
    able = np.flatnonzero((n_called == 0) & (sizes >= _MIN_SELF) & np.isfinite(burden))
    return int(able[np.argmin(burden[able])]) if len(able) and len(effects) > 1 else None


def _calls(cells: Cells, effects: Effects) -> np.ndarray:
    return effects.calls(min_effect=cells.settings.min_effect, min_z=cells.settings.min_z)


def _pattern(cells: Cells, lineage: int, rows: np.ndarray, reference: np.ndarray) -> Pattern | None:
    """The pattern of some cells of a lineage against summed reference counts; None if no arm is called."""
    group = np.asarray(cells.counts[rows].sum(axis=0), dtype=np.float64).ravel()
    effects = compare(group, reference, cells.layout)
    factor = effects.dosage(cells.settings.min_effect, cells.settings.min_z)
    return Pattern(lineage, rows, effects, factor) if (factor != 1).any() else None
