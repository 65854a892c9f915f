"""Read the labelled cells of the reference: rows, labels, donors and coarse types."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import InputError
from ..inputs.counts import Counts, open_counts
from ..inputs.placeholder_labels import names_no_type
from .findings import Finding, reference_findings

log = logging.getLogger(__name__)
FEWEST_CELLS = 5
"""Cells that a type needs to be learned and judged; two types have to have them."""


def open_reference(reference: Mapping[str, Any], path: str | None = None) -> Counts:
    """The matrix that the config's `reference` section names (`path` replaces its path)."""
    where = {key: reference[key] for key in ("counts", "genes") if reference.get(key)}
    return open_counts(path or reference["path"], **where)


def label_columns(reference: Mapping[str, Any]) -> dict[str, Any]:
    """What the config's `reference` section says of labels, as arguments of `labelled_cells`."""
    return {
        "label": reference["label"],
        "donor": reference.get("donor"),
        "exclude": reference.get("exclude") or (),
    }


def labelled_cells(
    counts: Counts,
    *,
    label: str,
    donor: str | None = None,
    types: Collection[str] = (),
    exclude: Collection[str] = (),
    passed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Rows, labels and donors of the cells whose label names a type; "unknown", "doublet" and the like do not.

    Parameters
    ----------
    types
        Labels that are types even if they are such a word.
    exclude
        Labels that are left out besides.
    passed
        Which cells of the file passed quality control, bool, shape (n_cells,); all where it is not given.

    Returns
    -------
    Sorted row numbers (n,), labels (n,) as str, and donors (n,) as str (empty where missing) or None without a donor
    column.

    Raises
    ------
    InputError
        When a column is missing, no cell has a label, or fewer than two types have `FEWEST_CELLS` cells.
    """
    labels = _text(counts, label, "label")
    no_types = {name for name in set(labels) if name in exclude or (name not in types and names_no_type(name))}
    unnamed = np.array([name in no_types for name in labels], bool)
    left_out = pd.Series(labels[unnamed & (labels != "")]).value_counts()
    if len(left_out):
        log.info("obs column %r: cells without a type are left out: %s", label, _listed(left_out))
    rows = np.flatnonzero(~unnamed if passed is None else ~unnamed & passed)
    if not rows.size:
        raise InputError(
            f"{counts.path}: obs column {label!r} has no label for any cell. Name another by reference.label."
        )
    n_cells = pd.Series(labels[rows]).value_counts()
    if (n_cells >= FEWEST_CELLS).sum() < 2:
        raise InputError(
            f"{counts.path}: obs column {label!r}: at least two types with {FEWEST_CELLS} cells or more are needed to "
            f"learn from, there are {_listed(n_cells)}. Name another column by reference.label, or give more cells."
            + _left_out(unnamed, passed)
        )
    return rows, labels[rows], None if donor is None else _text(counts, donor, "donor")[rows]


def _left_out(unnamed: np.ndarray, passed: np.ndarray | None) -> str:
    """How many labelled cells quality control took, if any."""
    number = 0 if passed is None else int((~unnamed & ~passed).sum())
    return f" {number} labelled cells did not meet quality control: see qc in the config." if number else ""


def _listed(n_cells: pd.Series) -> str:
    """The first types and their numbers of cells."""
    shown = ", ".join(f"{name} ({n})" for name, n in n_cells.iloc[:5].items())
    return shown + (f" and {len(n_cells) - 5} more" if len(n_cells) > 5 else "")


def opened_findings(counts: Counts, reference: Mapping[str, Any]) -> list[Finding]:
    """The findings about an opened reference; `stored_reference.stored_findings` needs less to be installed."""
    donor = reference.get("donor")
    return reference_findings(
        counts.obs_column(reference["label"]),
        None if donor is None else counts.obs_column(donor),
        counts.genes["gene_id"].fillna(counts.genes["symbol"]).tolist(),
        counts.kind,
        exclude=reference.get("exclude") or (),
        other_counts=counts.other_counts(),
    )


def coarse_types(counts: Counts, rows: np.ndarray, labels: np.ndarray, column: str | None) -> np.ndarray | None:
    """The coarse type (n,) of the cells `rows` with the `labels` (n,), or None without a column.

    Raises
    ------
    InputError
        When the column is missing, empty for a cell, or splits a label.
    """
    if column is None:
        return None
    coarse = _text(counts, column, "coarse")[rows]
    pairs = pd.DataFrame({"label": labels, "coarse": coarse}).drop_duplicates()
    split = pairs["label"][pairs["label"].duplicated() | (pairs["coarse"] == "")]
    if len(split):
        raise InputError(
            f"{counts.path}: obs column {column!r}: cells of {split.iloc[0]!r} have several coarse types or none. Give "
            "every label exactly one, or leave reference.coarse out."
        )
    return coarse


def _text(counts: Counts, column: str, role: str) -> np.ndarray:
    if column not in counts.obs_columns:
        present = ", ".join(counts.obs_columns) or "none"
        raise InputError(
            f"{counts.path}: obs has no column {column!r}. Set reference.{role} to one of its columns: {present}."
        )
    return counts.obs_column(column)
