"""Every cell against the patterns of its patient: calls, clones, and the arms of each final group."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .arm_effects import Effects, arm_rows, compare, group_sums
from .baseline import Baseline
from .likelihood import arm_scores, carrier_log_odds, expected_llr, false_discovery, pattern_llr
from .patterns import Cells, Findings, Pattern

_NULL_QUANTILE = 0.99


def undetermined(lineage: np.ndarray, reference: np.ndarray, reason: str) -> pd.DataFrame:
    """The cell table of a patient of whom nothing can be called."""
    missing = np.full(len(reference), np.nan)
    return pd.DataFrame(
        {
            "role": np.where(reference, "reference", "query"),
            "cnv_score": missing,
            "llr": missing,
            "cnv_call": "undetermined",
            "clone": None,
            "lineage": lineage,
            "reference_source": None,
            "reason": reason,
            "fdr": missing,
        },
        index=range(len(reference)),
    )


def decide(
    cells: Cells, reference: np.ndarray, matched: list[int], found: Findings, baseline: Baseline
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Call every cell, name the clones and describe the final groups.

    A cell is tested against the patterns of its lineage, or against all of the patient's where its lineage has none.
    Reference cells are tested in the same way against an expectation they had no part in: they are the null.
    """
    clone_of = merge_patterns(found.patterns)
    llr, best, power = _likelihoods(cells, found.patterns, baseline)
    own = np.isin(cells.lineage, [pattern.lineage for pattern in found.patterns])
    null = reference | found.own_reference
    limit = _limits(cells, llr, null)
    call = np.full(len(llr), "diploid", dtype=object)
    call[(llr > 0) & (llr <= limit) | own & (power < limit)] = "undetermined"
    call[llr > limit] = "aneuploid"
    call[cells.table.values.sum(axis=1) == 0] = "undetermined"
    known = np.isin(cells.lineage, matched) | own
    call[~known] = "undetermined"
    reason = np.full(len(llr), None, dtype=object)
    reason[(call == "undetermined") & known] = "the counts of the cell do not decide"
    reason[~known] = "no reference of the lineage, and no group of it carries an arm for certain"
    clone = np.full(len(llr), None, dtype=object)
    altered = call == "aneuploid"
    names = np.array([f"clone {number + 1}" for number in clone_of], dtype=object)
    clone[altered] = names[best[altered]] if altered.any() else None
    fdr = np.full(len(llr), np.nan)
    fdr[~null] = false_discovery(llr[~null], llr[null])
    table = pd.DataFrame(
        {
            "role": np.where(reference, "reference", "query"),
            "cnv_score": arm_scores(cells.table.values, baseline.share, baseline.dispersion),
            "llr": llr,
            "cnv_call": call,
            "clone": clone,
            "lineage": np.array(cells.lineage_names, dtype=object)[cells.lineage],
            "reference_source": None,
            "reason": reason,
            "fdr": fdr,
        }
    )
    return table, _final_arms(cells, table, reference, matched, found, known)


def _likelihoods(cells: Cells, patterns: list[Pattern], baseline: Baseline):
    """Best log-likelihood ratio, its pattern, and the ratio that the cell would show if it carried it."""
    number = len(cells.lineage)
    llr, best, power = np.full(number, -np.inf), np.zeros(number, dtype=np.int64), np.full(number, np.inf)
    owners = np.array([pattern.lineage for pattern in patterns], dtype=np.int64)
    depth = cells.table.values.sum(axis=1)
    for lineage in range(len(cells.lineage_names)):
        rows = np.flatnonzero(cells.lineage == lineage)
        tried = np.flatnonzero(owners == lineage) if (owners == lineage).any() else np.arange(len(patterns))
        for index in tried:
            where = (baseline.share[rows], baseline.dispersion[rows], patterns[index].factor)
            ratio = pattern_llr(cells.table.values[rows], *where) - np.log(len(tried))
            better = ratio > llr[rows]
            llr[rows[better]], best[rows[better]] = ratio[better], index
            power[rows] = np.minimum(power[rows], expected_llr(depth[rows], *where))
    known = np.isfinite(baseline.share).all(axis=1)
    return np.where(known, np.where(np.isfinite(llr), llr, 0.0), np.nan), best, power


def _limits(cells: Cells, llr: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Smallest ratio of an aneuploid cell, by lineage.

    At least `min_llr` more than the odds against a carrier in that lineage, and never below the 99th percentile of the
    lineage's held-out normal cells.
    """
    limit = np.full(len(llr), cells.settings.min_llr)
    known = np.isfinite(llr)
    for lineage in range(len(cells.lineage_names)):
        mine = known & (cells.lineage == lineage)
        sample = llr[mine & null] if (mine & null).any() else llr[known & null]
        if len(sample) and (mine & ~null).any():
            odds = carrier_log_odds(llr[mine & ~null])
            limit[cells.lineage == lineage] = max(
                cells.settings.min_llr + max(-odds, 0.0), np.quantile(sample, _NULL_QUANTILE)
            )
    return limit


def merge_patterns(patterns: list[Pattern]) -> list[int]:
    """Clone number of each pattern: patterns of several lineages that agree on every arm are one clone.

    Clones are numbered by their number of cells.
    """
    by_size = sorted(range(len(patterns)), key=lambda i: (-len(patterns[i].cells), patterns[i].cells[0]))
    clone, heads = [0] * len(patterns), []
    for index in by_size:
        same = [n for n, head in enumerate(heads) if _agree(patterns[index].effects, patterns[head].effects)]
        clone[index] = same[0] if same else len(heads)
        heads += [] if same else [index]
    return clone


def _agree(one: Effects, other: Effects) -> bool:
    """No arm differs by more than 0.35 beyond two and a half standard errors."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.hypot(one.log2_ratio / one.z, other.log2_ratio / other.z)
        apart = np.abs(one.log2_ratio - other.log2_ratio) > np.maximum(0.35, 2.5 * error)
    return not apart.any()


def _final_arms(
    cells: Cells, table: pd.DataFrame, reference: np.ndarray, matched: list[int], found: Findings, known: np.ndarray
) -> pd.DataFrame:
    """Arms of the query cells of each lineage by clone or call, against the lineage's reference.

    Single cells that stayed undetermined were selected by their arms, so they are no group to be described.
    """
    kind = table["clone"].where(table["clone"].notna(), table["cnv_call"]).to_numpy()
    normals = group_sums(cells.counts, np.where(reference, cells.lineage, -1), len(cells.lineage_names))
    names, effects = [], []
    for lineage, label in enumerate(cells.lineage_names):
        own = found.own_reference & (cells.lineage == lineage)
        against = normals[[lineage]] if lineage in matched else normals[matched]
        against = np.asarray(cells.counts[own].sum(axis=0), dtype=float) if own.any() else against
        for value in sorted(set(kind[cells.lineage == lineage])):
            rows = np.flatnonzero((cells.lineage == lineage) & (kind == value) & ~reference & ~own)
            if value == "undetermined" and known[rows].any():
                continue
            if len(rows) >= cells.settings.min_cells:
                group = np.asarray(cells.counts[rows].sum(axis=0), dtype=float).ravel()
                names.append(f"{label}|{value}")
                effects.append(compare(group, against, cells.layout))
    limits = {"min_effect": cells.settings.min_effect, "min_z": cells.settings.min_z}
    return arm_rows(names, effects, cells.layout.names, [one.calls(**limits) for one in effects])


def sources(cells: Cells, reference: np.ndarray, lent: np.ndarray, matched: list[int], found: Findings) -> np.ndarray:
    """Where the reference of each cell came from."""
    result = np.full(len(reference), None, dtype=object)
    for lineage in range(len(cells.lineage_names)):
        mine = cells.lineage == lineage
        if lineage in matched:
            away, home = (mine & reference & lent).any(), (mine & reference & ~lent).any()
            result[mine] = "patient and borrowed" if away and home else "borrowed" if away else "patient"
        elif (mine & found.own_reference).any():
            result[mine] = "own lineage"
        elif any(pattern.lineage == lineage for pattern in found.patterns):
            result[mine] = "other lineages"
    return result
