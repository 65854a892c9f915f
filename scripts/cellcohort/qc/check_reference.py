"""Quality control of the reference: the cells from which nothing is learned, by the limits that samples meet."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..inputs.counts import Counts
from ..reference.cells import label_columns, labelled_cells, open_reference, opened_findings
from ..reference.findings import Finding
from .quality_control import Thresholds, cell_metrics, find_limits, find_reasons, hard_limits

log = logging.getLogger(__name__)

MOST_OF_A_TYPE = 0.5
"""Share of a type's cells beyond which the limits are taken to be wrong for it, and not the cells."""


def judge_reference(
    reference: Mapping[str, Any], path: str, config: Mapping[str, Any]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Judge the labelled cells of the file `path` that the config's `reference` section names (`check_reference`), and
    say what should be known of them."""
    counts = open_reference(reference, path)
    table = check_reference(counts, *labelled_cells(counts, **label_columns(reference)), config)
    return table, opened_findings(counts, reference)


def check_reference(
    counts: Counts, rows: np.ndarray, labels: np.ndarray, donors: np.ndarray | None, config: Mapping[str, Any]
) -> pd.DataFrame:
    """Judge the labelled cells of a reference by the limits of samples, each donor as a sample of its own.

    Doublets are not looked for: those who labelled the cells did. A type that would lose more than `MOST_OF_A_TYPE` of
    its cells keeps all of them, and the log says so.

    Parameters
    ----------
    rows, labels, donors
        From :func:`cellcohort.reference.cells.labelled_cells`.
    config
        The `qc` section.

    Returns
    -------
    A table in schemas.QC, a row for each cell of the file; without a label a cell has not passed.

    Raises
    ------
    InputError
        When genes are there twice.
    """
    thresholds = Thresholds.of(config)
    table, notes = cell_metrics(counts)
    floor = hard_limits(thresholds, counts, notes)
    reason = pd.Series("no label", index=table.index, dtype=object)
    donor = np.full(len(rows), "") if donors is None else donors
    for name in np.unique(donor):
        own = rows[donor == name]
        limits = find_limits(table.iloc[own], floor, thresholds.n_mads, counts.kind, [])
        reason.iloc[own] = find_reasons(table.iloc[own], limits)
    kept_whole = _spare_types(reason, rows, labels)
    passed = reason.isna().to_numpy()
    notes.append(f"{len(rows) - passed.sum():,} of {len(rows):,} labelled cells do not meet quality control")
    if kept_whole:
        notes.append(
            f"all cells of {', '.join(kept_whole)} are kept: most of them do not meet the limits (qc in the config), "
            "which are then no measure of their quality"
        )
    for note in notes:
        log.info(note)
    return table.assign(doublet_score=np.nan, predicted_doublet=None, passed=passed, reason=reason)


def _spare_types(reason: pd.Series, rows: np.ndarray, labels: np.ndarray) -> list[str]:
    """Clear the reasons of the types that would lose most of their cells; their names."""
    fails = reason.iloc[rows].notna().to_numpy()
    lost = pd.Series(fails).groupby(labels).mean()
    spared = lost.index[lost > MOST_OF_A_TYPE].tolist()
    reason.iloc[rows[np.isin(labels, spared)]] = None
    return spared
