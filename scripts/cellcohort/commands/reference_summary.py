"""What a reference holds, what should be known of it, and whether it would be refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..inputs import obs_columns
from ..inputs.check_inputs import check_reference
from ..reference.stored_reference import stored_findings


def summarise_reference(path: Path, columns: Mapping[str, Any], *, tissues: Iterable[str] = ()) -> dict[str, Any]:
    """Look at a reference's tables.

    Parameters
    ----------
    columns
        The config's `reference` section without its path and coarse types.

    Returns
    -------
    path, n_cells, labels that are learned with their cells, n_donors (None without a column), findings (topic and
    text), and why the reference would be refused (None where it would not).
    """
    reference = {**columns, "path": str(path), "coarse": None}
    found: dict[str, Any] = {"path": str(path), "n_cells": None, "labels": None, "n_donors": None, "findings": []}
    reason = None
    try:
        check_reference(reference)
        labels = obs_columns.labels(path, reference["label"])
        n_cells, types = Counter(labels.tolist()), obs_columns.types_among(labels, reference["exclude"])
        found["n_cells"] = len(labels)
        found["labels"] = {label: n for label, n in n_cells.most_common() if label in types}
        if reference["donor"] is not None:
            found["n_donors"] = len(set(obs_columns.labels(path, reference["donor"])) - {""})
        found["findings"] = [finding._asdict() for finding in stored_findings(reference, tissues=tissues)]
    except InputError as error:
        reason = str(error)
    return found | {"rejected": reason}
