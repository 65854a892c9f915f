"""Anchors of a sample: the labels whose cells are of the reference's type, by the contrasts that they keep.

Only anchors say anything of a technical shift. A label is one if its least strange cells keep their contrast to the
other labels', and the half nearest to its location does as well: where a few known cells lie among many unknown ones,
the location is that of the unknown. One or two small anchors count only if all labels together keep their contrasts.
A label is not asked of which few reference cells were scored without their own fold, as of a type that one donor has:
what it scores is not known well enough to tell a shift from a sibling.
Cells with positional evidence are never asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..classifier.type_profiles import Profiles
from .contrasts import Contrast, Contrasts, together
from .null import MIN_TAIL, Null
from .sample_location import LOWEST_SHARE, lowest_mode

MIN_CELLS = 5
MIN_KEPT = 0.5
MIN_OTHERS = 0.1  # of the cells, outside the largest label, for all labels to vouch for one another
SURE_CELLS = 20  # of a label: two such anchors vouch for one another
SURE_ANCHORS = 3


@dataclass(frozen=True)
class Candidate:
    """A label that was asked whether it anchors.

    Attributes
    ----------
    n_cells
        Cells of the sample that were asked.
    location, share
        `lowest_mode` of their mean scores.
    kept
        How much of its contrast the label keeps, the lesser of both tests.
    """

    n_cells: int
    location: float
    share: float
    kept: float

    @property
    def anchor(self) -> bool:
        """Whether the label is of the reference's type."""
        return self.kept >= MIN_KEPT


def find_candidates(
    values: np.ndarray, types: np.ndarray, scaled_bins: sparse.csr_matrix, profiles: Profiles, null: Null, k: int
) -> tuple[dict[int, Candidate], bool]:
    """The labels of enough cells, and whether the anchors among them count.

    Parameters
    ----------
    values, types
        Mean scores over k cells and label numbers of the cells that are asked, shape (n,).
    scaled_bins
        Of these cells, shape (n, n_genes).
    """
    members = {code: np.flatnonzero(types == code) for code in np.unique(types)}
    if len(members) < 2:
        return {}, False
    lowest = {code: scaled_bins[_first(cells, values[cells], LOWEST_SHARE)] for code, cells in members.items()}
    contrasts = Contrasts(lowest, profiles.level, profiles.deviation)
    candidates, central = {}, {}
    for code, cells in members.items():
        location, share = lowest_mode(values[cells], null.spread[k - 1][code])
        nearest = scaled_bins[_first(cells, np.abs(values[cells] - location), 0.5)]
        central[code] = contrasts.of(code, members, nearest)
        if len(cells) >= MIN_CELLS and null.n_cells[code] >= MIN_TAIL:
            kept = min(contrasts.of(code, members).kept, central[code].kept)
            candidates[code] = Candidate(len(cells), location, share, kept)
    return candidates, _count(candidates, central, {code: len(cells) for code, cells in members.items()})


def _first(cells: np.ndarray, keys: np.ndarray, share: float) -> np.ndarray:
    """The share of the cells, at least `MIN_CELLS`, of the lowest keys."""
    return cells[np.argsort(keys, kind="stable")[: max(MIN_CELLS, int(share * len(cells)))]]


def _count(candidates: dict[int, Candidate], contrasts: dict[int, Contrast], sizes: dict[int, int]) -> bool:
    """Whether the anchors count: they are enough, or all labels taken as one keep their contrasts."""
    anchors = [code for code, each in candidates.items() if each.anchor]
    if not anchors or len(anchors) >= SURE_ANCHORS or sum(sizes[code] >= SURE_CELLS for code in anchors) >= 2:
        return bool(anchors)
    total = sum(sizes.values())
    return total - max(sizes.values()) >= MIN_OTHERS * total and together(contrasts, sizes) >= MIN_KEPT
