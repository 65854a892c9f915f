"""Quality control of a sample's cells: metrics, hard limits, limits by median absolute deviation, doublets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import median_abs_deviation

from ..genes.non_gene_rows import non_gene_note, non_genes
from ..inputs.counts import Counts
from ..inputs.gene_panels import PANEL, TRANSCRIPTOME
from ..inputs.resources import GENOMES, gene_positions
from ..inputs.value_kind import COUNTS, EXPECTED
from .copied_genes import CopiedGenes
from .doublets import call_doublets
from .fixed_limits import ALWAYS_ALLOWED_MITO, FEWEST_CELLS, LEAST

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Thresholds:
    """The config's `qc` section; other keys of the section are ignored.

    Attributes
    ----------
    of_sheet
        Those that the sample sheet gives for the sample: they are taken as they are.
    """

    min_genes: int = 200
    min_counts: float = 500
    max_mito_share: float = 0.5
    n_mads: float = 7
    doublets: bool = True
    of_sheet: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Thresholds:
        """Thresholds from a mapping that may lack keys."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in config.items() if name in names})


@dataclass(frozen=True)
class Limits:
    """What a cell must meet; infinite where it is not asked."""

    min_counts: float
    max_counts: float
    min_genes: float
    max_mito_share: float


def quality_control(counts: Counts, config: Mapping[str, Any]) -> tuple[pd.DataFrame, list[str]]:
    """Judge every cell of a sample.

    Hard limits come first; the floors of a panel are in proportion to its genes (`hard_limits`). With at least 50 cells
    that meet them, limits from these cells are added: the median and `n_mads` times 1.4826 median absolute deviations
    (one such unit is the standard deviation of a normal distribution), of the logarithm of counts (both sides) and
    genes (lower side) and of the mitochondrial share (upper side, at least 0.1). They only ever tighten a hard limit.
    Doublets are called last, among the cells that are left.

    Parameters
    ----------
    config
        The `qc` section, merged with the sample's own values.

    Returns
    -------
    A table in schemas.QC, one row a cell in the file's order, and notes on what was and was not done. It depends on the
    order of cells for the order of rows alone.
    """
    thresholds = Thresholds.of(config)
    table, notes = cell_metrics(counts)
    floor = hard_limits(thresholds, counts, notes)
    limits = find_limits(table, floor, thresholds.n_mads, counts.kind, notes)
    table["reason"] = find_reasons(table, limits)
    table["doublet_score"] = np.nan
    table["predicted_doublet"] = None
    if thresholds.doublets:
        rows = np.flatnonzero(table["reason"].isna())
        calls, note = call_doublets(counts, rows, fewest=FEWEST_CELLS)
        notes.append(note)
        if calls is not None:
            table.loc[rows, "doublet_score"] = calls["score"].to_numpy()
            table.loc[rows, "predicted_doublet"] = calls["doublet"].to_numpy()
            table.loc[rows[calls["doublet"].to_numpy()], "reason"] = "doublet"
    table["passed"] = table["reason"].isna()
    notes += _losses(table, limits, floor)
    for note in notes:
        log.info(note)
    return table, notes


def cell_metrics(counts: Counts) -> tuple[pd.DataFrame, list[str]]:
    """n_counts, n_genes and mito_share of every cell, streamed, and notes on the kind of values and the genes.

    Rows that are no genes (spike-ins, antibodies) are left out. InputError where genes are there twice.
    """
    mitochondrial, notes = _mitochondrial(counts), []
    is_gene, copied = ~non_genes(counts.genes["symbol"]), CopiedGenes(counts.genes)
    if not mitochondrial.any():
        notes.append("the file has no mitochondrial genes: mito_share is 0")
    notes += filter(None, [counts.value_kind.note, non_gene_note(counts.genes["symbol"])])
    n_counts, n_genes = np.zeros(counts.n_cells), np.zeros(counts.n_cells, dtype=np.int32)
    mito = np.zeros(counts.n_cells)
    for rows, chunk in counts.chunks():
        copied.add(chunk)
        if not is_gene.all():
            chunk = chunk[:, is_gene]
        n_counts[rows] = chunk.sum(axis=1, dtype=np.float64).A1
        n_genes[rows] = np.diff(chunk.indptr)
        mito[rows] = (chunk @ mitochondrial[is_gene].astype(np.float64)).ravel()
    copied.check(counts.path)
    share = np.divide(mito, n_counts, out=np.zeros_like(mito), where=n_counts > 0)
    table = pd.DataFrame(
        {"cell_id": counts.cell_ids, "n_counts": n_counts, "n_genes": n_genes, "mito_share": share.astype(np.float32)}
    )
    return table, notes


def _losses(table: pd.DataFrame, limits: Limits, floor: Limits) -> list[str]:
    """A note for each reason that takes more than a tenth of the cells, as it may take a whole cell type."""
    counts, key = table["reason"].value_counts(sort=False), _limiting_keys(limits, floor)
    return [
        f"{n / len(table):.0%} of the cells ({n:,}) have {reason} ({key[reason]}); if they are a cell type (erythroid "
        "cells have few genes, muscle many mitochondrial counts), set that column for this sample in the sheet"
        for reason, n in counts.items()
        if reason in key and n > 0.1 * len(table)
    ]


def _limiting_keys(limits: Limits, floor: Limits) -> dict[str, str]:
    """For each reason the limit and the key that set it: a hard one, or n_mads where the sample's own is tighter."""

    def key(name: str) -> str:
        return name if getattr(limits, name) == getattr(floor, name) else "n_mads"

    return {
        "low counts": f"below {limits.min_counts:.0f}, by {key('min_counts')}",
        "low genes": f"below {limits.min_genes:.0f}, by {key('min_genes')}",
        "high mitochondrial share": f"above {limits.max_mito_share:.2f}, by {key('max_mito_share')}",
        "high counts": f"above {limits.max_counts:.0f}, by n_mads",
        "doublet": "by doublets",
    }


def _mitochondrial(counts: Counts) -> np.ndarray:
    """Which genes are mitochondrial: by symbol (MT-, mt-; R writes a point), without symbols by chromosome."""
    genes = counts.genes
    by_symbol = genes["symbol"].str.match(r"(?i)^mt[-.]").to_numpy(bool)
    if by_symbol.any() or genes["gene_id"].isna().all():
        return by_symbol
    positions = pd.concat([gene_positions(genome) for genome in GENOMES.values()])
    on_chr_m = positions.loc[positions["chromosome"] == "chrM", "gene_id"]
    return genes["gene_id"].isin(on_chr_m).to_numpy()


def hard_limits(thresholds: Thresholds, counts: Counts, notes: list[str]) -> Limits:
    """The limits of the config; none on counts where the values are no counts, which is added to the notes.

    The floors of a file of fewer than `PANEL` genes are in proportion to its genes, unless the sheet gives them.
    """
    n_genes = int((~non_genes(counts.genes["symbol"])).sum())
    floors = {name: _floor(thresholds, name, n_genes) for name in LEAST}
    if any(floors[name] != getattr(thresholds, name) for name in LEAST):
        notes.append(
            f"a panel of {n_genes:,} genes: its cells need {floors['min_counts']:.0f} counts and "
            f"{floors['min_genes']:.0f} genes, in proportion to {TRANSCRIPTOME:,} genes (for other floors set "
            "min_counts and min_genes in the sheet)"
        )
    counted = counts.kind in (COUNTS, EXPECTED)
    if not counted:
        notes.append(f"limits on n_counts do not apply to {counts.kind} values")
    return Limits(floors["min_counts"] if counted else 0, np.inf, floors["min_genes"], thresholds.max_mito_share)


def _floor(thresholds: Thresholds, name: str, n_genes: int) -> float:
    value = getattr(thresholds, name)
    if n_genes >= PANEL or name in thresholds.of_sheet:
        return value
    return max(min(value, LEAST[name]), value * n_genes / TRANSCRIPTOME)


def find_limits(table: pd.DataFrame, floor: Limits, n_mads: float, kind: str, notes: list[str]) -> Limits:
    """Hard limits, tightened by the sample's own distribution where it has cells enough."""
    met = table[find_reasons(table, floor).isna()]
    if len(met) < FEWEST_CELLS:
        notes.append(f"{len(met)} cells meet the hard limits, fewer than {FEWEST_CELLS}: no limits from the sample")
        return floor
    low_genes, _ = _log_range(met["n_genes"], n_mads)
    low_counts, high_counts = _log_range(met["n_counts"], n_mads) if kind in (COUNTS, EXPECTED) else (0, np.inf)
    _, high_mito = _range(met["mito_share"].to_numpy(np.float64), n_mads)
    limits = Limits(
        min_counts=max(low_counts, floor.min_counts),
        max_counts=high_counts,
        min_genes=max(low_genes, floor.min_genes),
        max_mito_share=min(max(high_mito, ALWAYS_ALLOWED_MITO), floor.max_mito_share),
    )
    notes.append(
        f"limits: n_counts {limits.min_counts:.0f} to {limits.max_counts:.0f}, n_genes at least "
        f"{limits.min_genes:.0f}, mito_share at most {limits.max_mito_share:.2f}"
    )
    return limits


def _range(values: np.ndarray, n_mads: float) -> tuple[float, float]:
    centre = float(np.median(values))
    width = n_mads * float(median_abs_deviation(values, scale="normal"))
    return centre - width, centre + width


def _log_range(values: pd.Series, n_mads: float) -> tuple[float, float]:
    """The range on the linear scale; unlimited where most cells are equal, as then there is no spread to go by."""
    with np.errstate(over="ignore"):  # as many deviations as there are numbers: unlimited
        low, high = np.expm1(_range(np.log1p(values.to_numpy(np.float64)), n_mads))
    return (float(low), float(high)) if low < high else (0, np.inf)


def find_reasons(table: pd.DataFrame, limits: Limits) -> pd.Series:
    """The first limit that each cell fails, None for those that meet all."""
    failed = [
        ("low counts", table["n_counts"] < limits.min_counts),
        ("low genes", table["n_genes"] < limits.min_genes),
        ("high mitochondrial share", table["mito_share"] > limits.max_mito_share),
        ("high counts", table["n_counts"] > limits.max_counts),
    ]
    reason = pd.Series(None, index=table.index, dtype=object)
    for name, cells in reversed(failed):
        reason[cells] = name
    return reason
