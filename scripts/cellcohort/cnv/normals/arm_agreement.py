"""Which groups of supposedly normal cells disagree on the chromosome arms with cells that are safer than they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ...genes.chromosome_arms import ArmLayout
from ..arm_effects import compare
from ..settings import Settings

MIN_ARMS = 2
"""Arms on which a group has to differ before it is refused: one may be a state of the cells."""
ARMS_DIFFER = "arms differ"
"""What is said of a group that is refused."""

_MIN_VOTES = 2  # labels that may judge one that is as safe as they are

_SAFE = re.compile(
    r"(^|[^a-z])(t|b|nk|nkt|ilc|dc|mnp|treg)([^a-z]|$)|cd4|cd8|immun|lymph|leuko|plasma|mono|macroph|myeloid|dendrit"
    r"|neutro|granulo|mast|microglia|kupffer|endotheli",
    re.IGNORECASE,
)
"""Labels of blood and vessels: a carcinoma has them all the same, and seldom passes for one of them."""


@dataclass(frozen=True)
class Candidates:
    """Groups of cells that may serve as normal.

    Attributes
    ----------
    labels
        The label of each group.
    sums
        (n_groups, n_genes) summed counts of the placed genes.
    healthy
        (n_genes,) summed counts of the healthy reference's cells, by label.
    """

    labels: list[str]
    sums: np.ndarray
    healthy: dict[str, np.ndarray]


@dataclass(frozen=True)
class _Comparison:
    """What a group was compared with, whether that settles it, and the arms on which they differ."""

    reference: str
    arms: list[str]
    is_settled: bool


def is_safe(label: str) -> bool:
    """Whether a label names a lineage of blood or vessels."""
    return _SAFE.search(label) is not None


def disagreements(candidates: Candidates, layout: ArmLayout, settings: Settings) -> dict[int, str]:
    """Refuse groups, the worst one first, until those that are left agree.

    A group is compared with the healthy reference's cells of its label; without these, with the other labels of blood
    and vessels (the geometric mean, one vote a label); without these, or where one of them stands against another, with
    all other labels; of an only label, with its other groups. It is refused if two arms or more differ. Of two labels
    of which none is safer than the other, both are refused, as nothing tells which one is altered.

    Returns
    -------
    Why each refused group was refused, by its number.
    """
    refused: dict[int, str] = {}
    while True:
        left = [index for index in range(len(candidates.labels)) if index not in refused]
        compared = {index: _compare(candidates, index, refused, layout, settings) for index in left}
        found = {index: one for index, one in compared.items() if len(one.arms) >= MIN_ARMS}
        if not found:
            return refused
        worst = min(found, key=lambda index: (-len(found[index].arms), is_safe(candidates.labels[index]), index))
        together = [worst] if found[worst].is_settled else [i for i, one in found.items() if not one.is_settled]
        for index in together:
            one = found[index]
            refused[index] = f"{len(one.arms)} {ARMS_DIFFER} from {one.reference}: {', '.join(one.arms)}"


def _compare(
    candidates: Candidates, index: int, refused: dict[int, str], layout: ArmLayout, settings: Settings
) -> _Comparison:
    """Compare one group with the safest cells that there are."""
    name, rows, is_settled = _reference(candidates, index, refused)
    if not len(rows):
        return _Comparison(name, [], is_settled=True)
    differ = compare(candidates.sums[index], rows, layout).exceed(settings.min_effect, settings.min_z)
    return _Comparison(name, [layout.names[arm] for arm in np.flatnonzero(differ)], is_settled)


def _reference(candidates: Candidates, index: int, refused: dict[int, str]) -> tuple[str, np.ndarray, bool]:
    """Name of the reference of a group, its summed counts (n, n_genes), and whether it is safer than the group."""
    label = candidates.labels[index]
    if label in candidates.healthy:
        return "the healthy cells of the label", candidates.healthy[label][None], True
    left = [i for i in range(len(candidates.labels)) if i not in refused and i != index]
    others = sorted({candidates.labels[i] for i in left} - {label})
    chosen = [one for one in others if is_safe(one)]
    if len(chosen) < (_MIN_VOTES if is_safe(label) else 1):
        chosen = others
    if not chosen:
        siblings = candidates.sums[left]
        return "the label's other cells", siblings.sum(axis=0)[None] if left else siblings, len(left) > 1
    sums = [candidates.sums[[i for i in left if candidates.labels[i] == one]].sum(axis=0) for one in chosen]
    return ", ".join(chosen), np.stack(sums), len(chosen) > 1 or is_safe(chosen[0]) > is_safe(label)
