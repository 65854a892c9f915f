"""The reference's cells that passed quality control: those from which everything is learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..inputs.counts import Counts
from ..outputs.parquet import read_frame
from .cells import label_columns, labelled_cells, open_reference


def checked_cells(
    reference: Mapping[str, Any], path: str, qc: str | Path
) -> tuple[Counts, np.ndarray, np.ndarray, np.ndarray | None]:
    """Open the reference: its counts, and rows, labels and donors of the labelled cells that passed quality control.

    Parameters
    ----------
    reference
        The config's `reference` section.
    path
        Its file.
    qc
        Its qc.parquet, from :func:`cellcohort.qc.check_reference.check_reference`.
    """
    counts = open_reference(reference, path)
    passed = passed_cells(counts, qc)
    return counts, *labelled_cells(counts, **label_columns(reference), passed=passed)


def passed_cells(counts: Counts, qc: str | Path) -> np.ndarray:
    """Which cells of the file passed, bool, shape (n_cells,); InputError when the table is of another file."""
    table = read_frame(qc, ["cell_id", "passed"])
    if not np.array_equal(table["cell_id"].to_numpy(object), counts.cell_ids.astype(object)):
        raise InputError(f"{counts.path}: {qc} is of other cells. Remove it, and run the workflow again.")
    return table["passed"].to_numpy(bool)
