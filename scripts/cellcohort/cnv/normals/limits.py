"""The limits of a patient: which planted events would have been found in its own normal cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from ...genes.chromosome_arms import ArmLayout
from ..arm_effects import compare
from ..baseline import Baseline
from ..likelihood import call_threshold, pattern_llr
from ..patient_samples import named_generator
from ..patterns import Cells
from ..settings import Settings

N_ARMS = (1, 3, 6, 10)
SHARES = (0.02, 0.05, 0.1, 0.2)
DOSAGES = (0.5, 1.5)
MAX_FALSE = 0.05

_MAX_CELLS = 1000
_DRAWS = 5
_LARGE_ARM = 0.01  # of the counts
_FOUND = 0.5


@dataclass(frozen=True)
class NormalCells:
    """Normal cells of one lineage, whose expectation comes from cells of the lineage other than themselves.

    Attributes
    ----------
    counts
        (n_cells, n_genes) CSR counts of the placed genes.
    arm_counts, share, dispersion
        (n_cells, n_arms) arm counts, diploid shares and dispersions.
    """

    counts: sparse.csr_matrix
    layout: ArmLayout
    arm_counts: np.ndarray
    share: np.ndarray
    dispersion: np.ndarray


def own_normal_cells(cells: Cells, own: np.ndarray, baseline: Baseline) -> NormalCells | None:
    """Normal cells of the lineage that has most of them, up to 1,000; None if there is none.

    Parameters
    ----------
    own
        (n_cells,) bool, the patient's own reference cells.
    """
    if not own.any():
        return None
    lineage = np.argmax(np.bincount(cells.lineage[own]))
    rows = np.flatnonzero(own & (cells.lineage == lineage))
    if len(rows) > _MAX_CELLS:
        chosen = named_generator(0, cells.lineage_names[lineage]).choice(rows, _MAX_CELLS, replace=False)
        rows = np.sort(chosen)
    values = cells.arm_counts.values[rows]
    return NormalCells(cells.counts[rows], cells.layout, values, baseline.share[rows], baseline.dispersion[rows])


def find_limits(normals: NormalCells | None, settings: Settings, *, seed: int = 0) -> pd.DataFrame:
    """Plant events into normal cells and say which of them are found.

    A loss thins every count on an arm to a half, a gain adds a binomial half of it. Half of the cells are the null, the
    others the patient. An event is found if its group, were it told apart, shows an arm, and at least half of the
    carriers exceed the bar that the calls use; so a limit is a bound: what lies below it cannot be found. The arms of a
    draw are nested, and so are its carriers, so that more arms and more cells are the same event and more of it.

    Returns
    -------
    arms, log2_ratio, share (the smallest one from which on the event is found with at most 5 % of the other cells
    called; missing: none), false_rate (the largest share of other cells called, over the shares tried). More arms than
    half of the genome are left out. Empty without normal cells.
    """
    columns = ["arms", "log2_ratio", "share", "false_rate"]
    if normals is None:
        return pd.DataFrame(columns=columns)
    mass = normals.arm_counts.sum(axis=0)
    able = np.flatnonzero(mass >= _LARGE_ARM * mass.sum())
    rows = []
    for n_arms in [number for number in N_ARMS if number <= len(able) / 2]:
        for dosage in DOSAGES:
            tried = [_try(normals, settings, able, n_arms, dosage, share, seed) for share in SHARES]
            found, false = np.array(tried).T
            rows.append((n_arms, np.log2(dosage), _smallest((found >= _FOUND) & (false <= MAX_FALSE)), false.max()))
    return pd.DataFrame(rows, columns=columns)


def _smallest(found: np.ndarray) -> float | None:
    """The smallest share from which on all are found."""
    first = len(found) - int(np.argmin(np.r_[found[::-1], False]))
    return SHARES[first] if first < len(found) else None


def _try(
    normals: NormalCells, settings: Settings, able: np.ndarray, n_arms: int, dosage: float, share: float, seed: int
) -> tuple[float, float]:
    """Means over the draws: share of the carriers found, and share of the other cells called."""
    results = []
    for draw in range(_DRAWS):
        rng = named_generator(seed, f"limits {draw}")
        order, altered = rng.permutation(len(normals.arm_counts)), rng.permutation(able)[:n_arms]
        null, tested = np.array_split(order, 2)
        number = round(share * len(tested))
        planting = named_generator(seed, f"limits {draw} {dosage} {n_arms}")
        results.append(_one(normals, settings, null, tested, number, altered, dosage, planting))
    found, false = np.mean(results, axis=0)
    return float(found), float(false)


def _one(
    normals: NormalCells,
    settings: Settings,
    null: np.ndarray,
    tested: np.ndarray,
    number: int,
    altered: np.ndarray,
    dosage: float,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Plant one event into the first `number` of the tested cells."""
    if number < settings.min_cells:
        return 0.0, 0.0
    carriers = tested[:number]
    pattern = _pattern(normals, settings, carriers, null, altered, dosage, rng)
    values = normals.arm_counts.copy()
    values[np.ix_(carriers, altered)] = _plant(values[np.ix_(carriers, altered)], dosage, rng)
    llr = pattern_llr(values, normals.share, normals.dispersion, pattern)
    called = llr[tested] > call_threshold(llr[tested], llr[null], min_llr=settings.min_llr)
    return (float(called[:number].mean()) if (pattern != 1).any() else 0.0), float(called[number:].mean())


def _pattern(
    normals: NormalCells,
    settings: Settings,
    carriers: np.ndarray,
    null: np.ndarray,
    altered: np.ndarray,
    dosage: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """The dosages (n_arms,) that the carriers' summed counts show against the null's; 1 where no arm is called."""
    group, reference = (np.asarray(normals.counts[rows].sum(axis=0), dtype=float).ravel() for rows in (carriers, null))
    changed = np.isin(normals.layout.arm, altered)
    group[changed] = _plant(group[changed], dosage, rng)
    return compare(group, reference, normals.layout).dosage(settings.min_effect, settings.min_z)


def _plant(values: np.ndarray, dosage: float, rng: np.random.Generator) -> np.ndarray:
    """Counts with a dosage of 0.5 (a binomial half of them) or 1.5 (a binomial half more)."""
    half = rng.binomial(np.rint(values).astype(np.int64), 0.5)
    return values + half if dosage > 1 else np.maximum(values - half, 0.0)
