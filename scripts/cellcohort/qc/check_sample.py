"""Check one sample: quality control of its cells, or the reason why its file is rejected."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import InputError
from ..inputs.counts import open_sample
from ..inputs.trial_opening import try_opening
from ..outputs.schemas import QC
from .quality_control import quality_control

log = logging.getLogger(__name__)


def check_sample(
    sample: Mapping[str, Any], path: str, config: Mapping[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Quality control of one sample, which a file that cannot be used survives.

    Parameters
    ----------
    sample
        The row of the sample sheet.
    config
        The `qc` section merged with the sample's own values; `on_invalid: fail` raises instead of rejecting.

    Returns
    -------
    A table in schemas.QC (empty when the file cannot be read) and the content of input.json.
    """
    table, record = QC.empty_table().to_pandas(), _record(sample)
    try:
        try_opening(path, partial(_read_names, sample, path))
        counts = open_sample(sample, path)
        record["n_cells"] = counts.n_cells
        record["kind"] = counts.kind
        if not counts.n_cells:
            raise InputError(f"{path}: the file has 0 cells. Leave the sample out.")
        if not counts.n_genes:
            raise InputError(f"{path}: the file has 0 genes. Leave the sample out.")
        table, notes = quality_control(counts, config)
        record["notes"] = [*counts.notes, *notes, *filter(None, [counts.counts_beside()])]
        record["n_passed"] = int(table["passed"].sum())
        if not record["n_passed"]:
            found = ", ".join(f"{reason} {n}" for reason, n in table["reason"].value_counts(sort=False).items())
            raise InputError(f"{path}: 0 of {counts.n_cells} cells passed quality control ({found}). See qc.parquet.")
    except InputError as error:
        if config.get("on_invalid") == "fail":
            raise
        record["rejected"] = str(error)
        log.warning("rejected: %s", error)
    return table, record


def _read_names(sample: Mapping[str, Any], path: str) -> tuple[np.ndarray, np.ndarray | None]:
    counts = open_sample(sample, path)
    return counts.cell_ids, counts.spatial


def _record(sample: Mapping[str, Any]) -> dict[str, Any]:
    names = {"sample_id": sample["sample_id"], "patient_id": sample["patient_id"]}
    return {**names, "kind": None, "n_cells": 0, "n_passed": 0, "rejected": None, "notes": []}
