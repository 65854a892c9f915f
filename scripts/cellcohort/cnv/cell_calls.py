"""Call every cell aneuploid, diploid or undetermined by its likelihood under its patient's arm patterns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .arm_effects import arm_rows, compare, group_sums
from .baseline import Baseline
from .cell_groups import GROUP
from .clones import number_clones
from .likelihood import MIN_POWER, arm_scores, call_threshold, expected_llr, false_discovery, pattern_llr, power
from .patterns import Cells, Pattern, PatternSearch

TOO_FEW_COUNTS = "too few counts"
"""How the reason of an undetermined cell starts whose counts could not have shown a typical aneuploidy."""
TAKEN_OUT = "taken out of the reference: its group carries an arm"
"""The reason of a cell that was to serve as normal."""


def undetermined_cells(lineage: np.ndarray, reference: np.ndarray, reason: str) -> pd.DataFrame:
    """The cell table of a patient of whom nothing can be called."""
    columns = {
        "role": np.where(reference, "reference", "query"), "cnv_score": np.nan, "llr": np.nan,
        "cnv_call": "undetermined", "clone": None, "lineage": lineage, "reference_source": None, "reason": reason,
        "fdr": np.nan,
    }  # fmt: skip
    return pd.DataFrame(columns, index=range(len(reference)))


def call_cells(
    cells: Cells, reference: np.ndarray, matched: list[int], search: PatternSearch, baseline: Baseline
) -> pd.DataFrame:
    """Call every cell and name its clone.

    A cell is tested against the patterns of its lineage, or against all of the patient's where its lineage has none.
    Reference cells are tested in the same way against an expectation they had no part in: they are the null.

    Returns
    -------
    A row for each cell: the columns of `CnvResult.cells` but for cell_id, `reference_source` still empty.
    """
    llr, best, detectable = _likelihoods(cells, search.patterns, baseline)
    null = reference | search.own_reference
    testable = _has_reference(cells, matched, search)
    call = _calls(cells, llr, detectable, _thresholds(cells, llr, null), search.patterns)
    reason = np.full(len(llr), None, dtype=object)
    reason[call == "undetermined"] = "the counts of the cell do not decide"
    reason[(call == "diploid") & ~_has_power(cells, baseline)] = _too_few(cells)
    reason[search.undecided] = "groups of the lineage differ in arms, and nothing tells which of them are normal"
    reason[~testable] = "no reference of the lineage, and no group of it carries an arm for certain"
    call[pd.notna(reason)] = "undetermined"
    fdr = np.full(len(llr), np.nan)
    fdr[~null] = false_discovery(llr[~null], llr[null])
    return pd.DataFrame({
        "role": np.where(reference, "reference", "query"),
        "cnv_score": arm_scores(cells.arm_counts.values, baseline.share, baseline.dispersion),
        "llr": llr,
        "cnv_call": call,
        "clone": _clones(search.patterns, best, call == "aneuploid"),
        "lineage": np.array(cells.lineage_names, dtype=object)[cells.lineage],
        "reference_source": None,
        "reason": reason,
        "fdr": fdr,
    })  # fmt: skip


def _has_power(cells: Cells, baseline: Baseline) -> np.ndarray:
    """Cells (bool) that would have been called, had they carried a typical aneuploidy."""
    depth, settings = cells.arm_counts.values.sum(axis=1), cells.settings
    model = (depth, baseline.share, baseline.dispersion)
    found = power(*model, measured=cells.layout.names, genome=cells.genome_arms, min_llr=settings.min_llr)
    return found >= MIN_POWER


def _too_few(cells: Cells) -> str:
    """Why a cell without power is undetermined."""
    arms = f"{cells.layout.n_arms} of {max(len(cells.genome_arms), cells.layout.n_arms)} chromosome arms"
    return f"{TOO_FEW_COUNTS} to show a typical aneuploidy, on {cells.counts.shape[1]} genes of {arms}"


def _has_reference(cells: Cells, matched: list[int], search: PatternSearch) -> np.ndarray:
    """Cells (bool) whose lineage has reference cells, or a pattern of its own."""
    return np.isin(cells.lineage, matched) | _has_pattern(cells, search.patterns)


def _has_pattern(cells: Cells, patterns: list[Pattern]) -> np.ndarray:
    return np.isin(cells.lineage, [pattern.lineage for pattern in patterns])


def _calls(
    cells: Cells, llr: np.ndarray, detectable: np.ndarray, threshold: np.ndarray, patterns: list[Pattern]
) -> np.ndarray:
    """The call of each cell as if its lineage had a reference."""
    call = np.full(len(llr), "diploid", dtype=object)
    missed = _has_pattern(cells, patterns) & (detectable < threshold)
    call[(llr > 0) & (llr <= threshold) | missed] = "undetermined"
    call[llr > threshold] = "aneuploid"
    call[cells.arm_counts.values.sum(axis=1) == 0] = "undetermined"
    return call


def _clones(patterns: list[Pattern], best: np.ndarray, aneuploid: np.ndarray) -> np.ndarray:
    """The clone of each aneuploid cell: that of its likeliest pattern."""
    clone = np.full(len(best), None, dtype=object)
    names = np.array([f"clone {number + 1}" for number in number_clones(patterns)], dtype=object)
    clone[aneuploid] = names[best[aneuploid]] if aneuploid.any() else None
    return clone


def _likelihoods(
    cells: Cells, patterns: list[Pattern], baseline: Baseline
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Best log-likelihood ratio, its pattern, and the ratio that the cell would show if it carried a pattern."""
    number = len(cells.lineage)
    llr, best, detectable = np.full(number, -np.inf), np.zeros(number, dtype=np.int64), np.full(number, np.inf)
    owners = np.array([pattern.lineage for pattern in patterns], dtype=np.int64)
    depth = cells.arm_counts.values.sum(axis=1)
    for lineage in range(len(cells.lineage_names)):
        rows = np.flatnonzero(cells.lineage == lineage)
        tried = np.flatnonzero(owners == lineage) if (owners == lineage).any() else np.arange(len(patterns))
        for index in tried:
            model = (baseline.share[rows], baseline.dispersion[rows], patterns[index].dosage)
            ratio = pattern_llr(cells.arm_counts.values[rows], *model) - np.log(len(tried))
            better = ratio > llr[rows]
            llr[rows[better]], best[rows[better]] = ratio[better], index
            detectable[rows] = np.minimum(detectable[rows], expected_llr(depth[rows], *model))
    known = np.isfinite(baseline.share).all(axis=1)
    return np.where(known, np.where(np.isfinite(llr), llr, 0.0), np.nan), best, detectable


def _thresholds(cells: Cells, llr: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Smallest ratio of an aneuploid cell, by lineage.

    Its null are the lineage's held-out normal cells, or all of the patient's where it has none (`call_threshold`).
    """
    threshold = np.full(len(llr), cells.settings.min_llr)
    known = np.isfinite(llr)
    for lineage in range(len(cells.lineage_names)):
        members = known & (cells.lineage == lineage)
        sample = llr[members & null] if (members & null).any() else llr[known & null]
        if len(sample) and (members & ~null).any():
            threshold[cells.lineage == lineage] = call_threshold(
                llr[members & ~null], sample, min_llr=cells.settings.min_llr
            )
    return threshold


def group_arms(
    cells: Cells, calls: pd.DataFrame, reference: np.ndarray, matched: list[int], search: PatternSearch
) -> pd.DataFrame:
    """Arms of the query cells of each lineage by clone or call, against the lineage's reference.

    Single cells that stayed undetermined were selected by their arms, so they are no group to be described.

    Parameters
    ----------
    calls
        From :func:`call_cells`.

    Returns
    -------
    From :func:`arm_rows`.
    """
    kind = calls["clone"].where(calls["clone"].notna(), calls["cnv_call"]).to_numpy()
    testable = _has_reference(cells, matched, search)
    normals = group_sums(cells.counts, np.where(reference, cells.lineage, -1), len(cells.lineage_names))
    first_rows, effects = [], []
    for lineage in range(len(cells.lineage_names)):
        members, own = cells.lineage == lineage, search.own_reference & (cells.lineage == lineage)
        against = normals[[lineage]] if lineage in matched else normals[matched]
        against = np.asarray(cells.counts[own].sum(axis=0), dtype=float) if own.any() else against
        for value in sorted(set(kind[members])):
            rows = np.flatnonzero(members & (kind == value) & ~reference & ~own)
            undecided = value == "undetermined" and testable[rows].any()
            if len(rows) >= cells.settings.min_cells and not undecided:
                group = np.asarray(cells.counts[rows].sum(axis=0), dtype=float).ravel()
                first_rows.append(rows[0])
                effects.append(compare(group, against, cells.layout))
    limits = {"min_effect": cells.settings.min_effect, "min_z": cells.settings.min_z}
    called = [one.call_arms(**limits) for one in effects]
    return arm_rows(calls.loc[first_rows, GROUP], effects, cells.layout.names, called)


def reference_sources(
    cells: Cells, reference: np.ndarray, borrowed: np.ndarray, matched: list[int], search: PatternSearch
) -> np.ndarray:
    """Where the reference of each cell's lineage came from."""
    source = np.full(len(reference), None, dtype=object)
    for lineage in range(len(cells.lineage_names)):
        members = cells.lineage == lineage
        if lineage in matched:
            others, own = (members & reference & borrowed).any(), (members & reference & ~borrowed).any()
            source[members] = "patient and borrowed" if others and own else "borrowed" if others else "patient"
        elif (members & search.own_reference).any():
            source[members] = "own lineage"
        elif any(pattern.lineage == lineage for pattern in search.patterns):
            source[members] = "other lineages"
    return source
