"""Cohort table of verdicts: cells of each sample and patient by verdict, and the range of the malignant share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..outputs.parquet import concat_frames, read_frame
from ..outputs.schemas import COHORT_VERDICT
from ..verdict.decision import VERDICTS


def count_verdicts(paths: Sequence[str | Path], samples: Sequence[dict]) -> pd.DataFrame:
    """Cells by verdict (`schemas.COHORT_VERDICT`): for each patient a row of all its cells, then one for each sample.

    The shares are of all cells that passed QC (`n_cells`) and missing where there is none: malignant ones alone are the
    least, those that are unsure beside them the most.

    Parameters
    ----------
    paths
        verdict.parquet of each sample.
    samples
        The sample sheet's rows in the order of `paths`.
    """
    rows = [_counted(path, sample) for path, sample in zip(paths, samples, strict=True)]
    parts = []
    for patient, part in pd.DataFrame(rows).groupby("patient_id", sort=False) if rows else ():
        total = part.drop(columns=["patient_id", "sample_id"]).sum().to_frame().T
        parts.append(_with_shares(pd.concat([total.assign(patient_id=patient, sample_id=None), part])))
    return concat_frames(parts, COHORT_VERDICT)


def _counted(path: str | Path, sample: dict) -> dict:
    verdict = read_frame(path, ["verdict"])["verdict"]
    numbers = verdict.value_counts()
    ids = {"patient_id": sample["patient_id"], "sample_id": sample["sample_id"], "n_cells": len(verdict)}
    return ids | {f"n_{name}": int(numbers.get(name, 0)) for name in VERDICTS}


def _with_shares(table: pd.DataFrame) -> pd.DataFrame:
    number = table["n_cells"].where(table["n_cells"] > 0)
    least = table["n_malignant"]
    return table.assign(
        malignant_share_at_least=least / number, malignant_share_at_most=(least + table["n_unsure"]) / number
    )
