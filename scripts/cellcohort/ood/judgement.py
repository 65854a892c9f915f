"""The OOD decision of a sample: p-values of its cells against the reference, after its technical shift.

What another study, platform or depth does to every cell is told from disease by the sample's anchors (`anchors`). A
shift that rests on few of them, on none at all, or is larger than what reference cells differ by, is in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy import sparse

from ..classifier.type_profiles import Comparison, Profiles
from ..reference.splits import sample_by_id
from .anchors import SURE_ANCHORS, Candidate, find_candidates
from .detector import Detector
from .label_shifts import LabelShifts, own_shifts, shift_labels
from .neighbourhoods import averaged, fit_axes, n_averaged, nearest

MAX_ASKED = 20_000  # cells of a sample from which its axes and anchors are read


@dataclass(frozen=True)
class SampleCells:
    """n cells of a sample, in any order.

    Attributes
    ----------
    cell_ids, types, scores
        Names, label numbers and OOD scores, shape (n,).
    coordinates
        By the sample's own axes, shape (n, n_axes).
    barred
        Cells with positional evidence, bool, shape (n,): they never anchor, and no shift excuses them.
    asked
        `asked_cells` of them, shape (m,).
    asked_bins
        Scaled bins of these, shape (m, n_genes).
    """

    cell_ids: np.ndarray
    types: np.ndarray
    scores: np.ndarray
    coordinates: np.ndarray
    barred: np.ndarray
    asked: np.ndarray
    asked_bins: sparse.csr_matrix


@dataclass(frozen=True)
class Shift:
    """The technical shift of a sample.

    Attributes
    ----------
    shift
        Median over the cells, in units of the OOD score; 0 where none was granted.
    labels
        For each label of enough cells: its own `shift`, the `contrast` that it keeps, whether it is an `anchor`.
    n_anchors
        Labels on which the shift rests; 0 where none was granted.
    in_doubt
        Whether a shift was looked for and rests on fewer than three labels (or none), or is larger than the spread of
        the reference's own cells.
    """

    shift: float = 0.0
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    n_anchors: int = 0
    in_doubt: bool = False


@dataclass(frozen=True)
class Judgement:
    """p-values of n cells with the sample's shift and without any, shapes (n,), and the shift."""

    pvalues: np.ndarray
    unshifted: np.ndarray
    shift: Shift


def asked_cells(cell_ids: np.ndarray) -> np.ndarray:
    """Places of the cells from which a sample's axes and anchors are read, by name: all, or a random `MAX_ASKED`."""
    return sample_by_id(cell_ids, limit=MAX_ASKED)


def judge_sample(
    profiles: Profiles, detector: Detector, names: list[str], cells: SampleCells, *, shift: Literal["auto", "off"]
) -> Judgement:
    """Judge the cells of a sample.

    Parameters
    ----------
    names
        The labels in the order of the profiles.
    shift
        Whether a technical shift is looked for.
    """
    null, k = detector.null, n_averaged(len(cells.cell_ids))
    by_name = np.argsort(cells.cell_ids, kind="stable")
    values = np.empty(len(by_name))
    values[by_name] = averaged(cells.scores[by_name], nearest(cells.coordinates[by_name], k))
    may = ~cells.barred[cells.asked]
    rows = cells.asked[may]
    candidates: dict[int, Candidate] = {}
    count = False
    if shift == "auto":
        candidates, count = find_candidates(values[rows], cells.types[rows], cells.asked_bins[may], profiles, null, k)
    shifts = shift_labels(candidates, null, k) if count else LabelShifts.none(len(names))
    granted, variance = shifts.shift[cells.types], shifts.variance[cells.types]
    granted, variance = np.where(cells.barred, np.minimum(granted, 0), granted), np.where(cells.barred, 0, variance)
    return Judgement(
        null.pvalue(values, cells.types, k, granted, variance),
        null.pvalue(values, cells.types, k),
        _describe(candidates, shifts.shift[cells.types], count, detector, names, k, looked_for=shift == "auto"),
    )


def judge_in_memory(
    profiles: Profiles,
    detector: Detector,
    names: list[str],
    compared: Comparison,
    scaled_bins: sparse.csr_matrix,
    cell_ids: np.ndarray,
) -> Judgement:
    """Judge a sample of n cells without positional evidence.

    Parameters
    ----------
    compared, scaled_bins, cell_ids
        `profiles.compare(scaled_bins)`, shape (n, n_genes), shape (n,).
    """
    asked = asked_cells(cell_ids)
    coordinates = fit_axes(scaled_bins[asked]).project(scaled_bins)
    scores, barred = detector.score(compared.ood_components), np.zeros(len(cell_ids), bool)
    cells = SampleCells(cell_ids, compared.types, scores, coordinates, barred, asked, scaled_bins[asked])
    return judge_sample(profiles, detector, names, cells, shift="auto")


def _describe(
    candidates: Mapping[int, Candidate],
    granted: np.ndarray,
    count: bool,
    detector: Detector,
    names: list[str],
    k: int,
    *,
    looked_for: bool,
) -> Shift:
    own = own_shifts(candidates, detector.null, k)
    labels = {
        names[code]: {"shift": float(own[code]), "contrast": each.kept, "anchor": each.anchor}
        for code, each in candidates.items()
    }
    if not count:
        return Shift(labels=labels, in_doubt=looked_for)
    shift, n_anchors = float(np.median(granted)), sum(each.anchor for each in candidates.values())
    doubt = n_anchors < SURE_ANCHORS or abs(shift) > detector.null.pooled_spread[0]
    return Shift(shift, labels, n_anchors, bool(doubt))
