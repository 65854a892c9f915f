"""Composition of the cohort: labels, OOD cells and origins, counted while the samples' annotations are joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import binomtest

from ..core.files import read_json
from ..outputs.parquet import concat_frames, read_frame, write_batches
from ..outputs.schemas import ANNOTATION, COMPOSITION, OOD, ORIGINS

FALSE_DISCOVERIES = 0.1
_MEDIANS = {"median_score": "ood_score", "median_confidence": "confidence"}


def collect_annotation(
    paths: Sequence[str | Path], samples: Sequence[dict], output: str | Path, *, shifts: Sequence[str | Path]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Append the samples' annotation tables to one file and count what is in them on the way.

    Parameters
    ----------
    paths
        annotation.parquet of each sample.
    samples
        The sample sheet's rows in the order of `paths`.
    output
        The cohort's annotation table, written as a stream.
    shifts
        shift.json of each sample.

    Returns
    -------
    composition
        `schemas.COMPOSITION`: cells of each label by sample, and how many of them are OOD (`n_ood`: the label is
        only the nearest one); the shares of a sample sum to 1.
    ood
        `schemas.OOD`: a row for every sample. Where its technical shift is in doubt the share of OOD cells is a range
        (`ood_share_low`, `ood_share_high`): with the shift and without it, or, where none could be read, with any.
        Shares, medians and `n_ood_fdr`, the OOD cells at a false discovery rate of `FALSE_DISCOVERIES`, are null where
        no cell was annotated. `held_out_accuracy` is null, too, where the sample measures (nearly) all of the
        model's genes.
    """
    composition, ood = [], []

    def batches() -> Iterator[pa.Table]:
        for path, sample, shift in zip(paths, samples, shifts, strict=True):
            table = pq.read_table(path)
            ids = {"sample_id": sample["sample_id"], "patient_id": sample["patient_id"]}
            composition.append(_composition(table).assign(**ids))
            ood.append({**ids, **_ood_summary(table, read_json(shift))})
            yield table

    write_batches(output, batches(), ANNOTATION)
    return concat_frames(composition, COMPOSITION), concat_frames([pd.DataFrame(ood)], OOD)


def collect_origins(paths: Sequence[str | Path], samples: Sequence[dict]) -> pd.DataFrame:
    """Count the OOD cells of each patient by origin (`schemas.ORIGINS`).

    `paths` are the samples' annotation.parquet. The shares of a patient sum to 1, `low` and `high` are their 95 %
    (Wilson) intervals over cells, `margin` is the median of the cells' origin_margin. The origin is missing in the row
    of the cells that no type fits.
    """
    patients: dict[str, list[str | Path]] = {}
    for path, sample in zip(paths, samples, strict=True):
        patients.setdefault(sample["patient_id"], []).append(path)
    return concat_frames([_origins(theirs).assign(patient_id=patient) for patient, theirs in patients.items()], ORIGINS)


def _origins(paths: Sequence[str | Path]) -> pd.DataFrame:
    """The rows of one patient."""
    cells = pd.concat([read_frame(path, ["is_ood", "origin", "origin_margin"]) for path in paths])
    cells = cells[cells["is_ood"]].astype({"origin": object})
    counts = _counts(cells["origin"], "origin")
    intervals = [binomtest(n, len(cells)).proportion_ci(method="wilson") for n in counts["n_cells"]]
    low, high = np.array(intervals, float).reshape(-1, 2).T
    margins = cells.groupby("origin", dropna=False)["origin_margin"].median().rename("margin").reset_index()
    return counts.assign(low=low, high=high).merge(margins.astype({"origin": object}), on="origin", how="left")


def _counts(values: pd.Series, name: str) -> pd.DataFrame:
    """Cells and share of each value, the most frequent first, ties by name."""
    counts = values.value_counts(dropna=False).rename_axis(name).rename("n_cells").reset_index()
    counts["share"] = counts["n_cells"] / max(counts["n_cells"].sum(), 1)
    return counts.sort_values(["n_cells", name], ascending=[False, True])


def _composition(table: pa.Table) -> pd.DataFrame:
    cells = table.select(["label", "is_ood"]).to_pandas()
    n_ood = cells["is_ood"].astype(int).groupby(cells["label"]).sum()
    counts = _counts(cells["label"], "label")
    return counts.assign(n_ood=counts["label"].map(n_ood))


def _ood_summary(table: pa.Table, shift: dict) -> dict:
    n_cells, n_ood = table.num_rows, int(table["is_ood"].to_numpy().sum())
    if not n_cells:
        shares = ("ood_share", "ood_share_low", "ood_share_high")
        nothing = dict.fromkeys((*shares, *_MEDIANS, "n_ood_fdr", "held_out_accuracy"))
        return {"n_cells": 0, "n_ood": 0, "shift": shift["shift"]} | nothing
    share = n_ood / n_cells
    other = _other_share(shift) if shift["in_doubt"] else share
    return {
        "n_cells": n_cells,
        "n_ood": n_ood,
        "ood_share": share,
        "ood_share_low": min(share, other),
        "ood_share_high": max(share, other),
        "shift": shift["shift"],
        **{name: float(np.median(table[column].to_numpy())) for name, column in _MEDIANS.items()},
        "n_ood_fdr": int((table["ood_qvalue"].to_numpy() <= FALSE_DISCOVERIES).sum()),
        "held_out_accuracy": shift["held_out_accuracy"],
    }


def _other_share(shift: dict) -> float:
    """The other end of the range of the OOD share: without the shift, or, where none could be read, with any."""
    return shift["ood_share_without_shift"] if shift["n_anchors"] else shift["ood_share_whatever_the_shift"]
