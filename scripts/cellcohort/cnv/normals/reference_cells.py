"""Choose the cells of a patient that may serve as normal, and tell of each cell why it does or does not."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...positional.evidence import SUSPECT, altered
from ..cell_calls import TAKEN_OUT
from ..cell_groups import DOUBTED, POOL
from ..patient_samples import HealthyReference, Sample, named_generator
from .arm_agreement import ARMS_DIFFER

log = logging.getLogger(__name__)

SMALL_GROUP = 20
"""Fewer cells are no group of their own: OOD cells and cells in doubt of a rarer label are pooled."""
BLOCKS = "differs from healthy cells in blocks along the genome"
SUSPECTED = "may differ from healthy cells in blocks along the genome"

_HELD_OUT = 0.2
_MAX_BORROWED = 200


def annotated_cells(samples: Sequence[Sample], normal_labels: Sequence[str], min_confidence: float) -> pd.DataFrame:
    """The patient's annotated cells, one row each, in the samples' order.

    Returns
    -------
    cell_id, sample_id, label, confidence, is_ood, `group` (text: sample and expression group), `in_doubt` (bool: there
    is strong positional evidence against the label, and the cell is not OOD) and `why` it cannot be normal (missing
    where it may be).
    """
    columns = ["cell_id", "label", "confidence", "is_ood"]
    none = pd.DataFrame(columns=[*columns, "sample_id", "group", "suspect", "in_doubt"], dtype=object)
    tables = [one.annotation[columns].assign(sample_id=one.sample_id, **_evidence(one)) for one in samples]
    obs = pd.concat([table for table in tables if len(table)] or [none], ignore_index=True)
    ood, suspect = obs["is_ood"].astype(bool), obs.pop("suspect").astype(bool)
    obs["in_doubt"] = obs["in_doubt"].astype(bool) & ~ood
    sure = obs["confidence"].to_numpy(dtype=float) >= min_confidence
    named = obs["label"].astype(str).isin(normal_labels) if len(normal_labels) else True
    why = pd.Series(None, index=obs.index, dtype=object)
    why = why.mask(~np.asarray(sure), f"confidence below {min_confidence:g}")
    why = why.mask(~(named | pd.Series(False, index=obs.index)), "label not among cnv.normal_labels")
    obs["why"] = why.mask(suspect, SUSPECTED).mask(obs["in_doubt"], BLOCKS).mask(ood, "unlike the reference")
    return obs


def _evidence(sample: Sample) -> dict[str, np.ndarray | str | bool]:
    """Expression group and positional evidence of each annotated cell; without a table there is neither."""
    if sample.positional is None:
        return {"group": sample.sample_id, "suspect": False, "in_doubt": False}
    table = sample.positional.set_index("cell_id").loc[sample.annotation["cell_id"]]
    group = sample.sample_id + " group " + table["group"].astype(str)
    return {"group": group.to_numpy(), "suspect": altered(table, level=SUSPECT), "in_doubt": altered(table)}


def with_lineages(obs: pd.DataFrame, min_reference: int, seed: int) -> pd.DataFrame:
    """Add `lineage`, `held_out` and `reference` (bool) to the cells.

    OOD cells and cells in doubt form lineages of their own, which have no reference. A seeded fifth of the other normal
    cells of each lineage is held out, as far as `min_reference` of them stay.
    """
    obs = obs.copy()
    ood = obs["is_ood"].astype(bool).to_numpy()
    lineage = obs["label"].astype(str)
    for chosen, name in ((ood, POOL), (obs["in_doubt"].to_numpy(dtype=bool), DOUBTED)):
        lineage = lineage.where(~chosen, lineage + ", " + name)
        size = lineage.map(lineage.value_counts())
        lineage = lineage.mask(chosen & (size < SMALL_GROUP), name)
    obs["lineage"] = lineage
    normal = obs["why"].isna().to_numpy()
    obs["held_out"] = _held_out(obs, normal, min_reference, seed)
    obs["reference"] = normal & ~obs["held_out"]
    return obs


def _held_out(obs: pd.DataFrame, normal: np.ndarray, min_reference: int, seed: int) -> np.ndarray:
    """A seeded fifth of the normal cells of each lineage, as far as `min_reference` of them stay."""
    held = np.zeros(len(obs), dtype=bool)
    ordered = obs[normal].sort_values(["sample_id", "cell_id"])
    for lineage, rows in ordered.groupby("lineage", sort=True).groups.items():
        number = min(int(_HELD_OUT * len(rows)), len(rows) - min_reference)
        if number > 0:
            held[named_generator(seed, lineage).choice(np.asarray(rows), number, replace=False)] = True
    return held


def healthy_rows(healthy: HealthyReference | None, labels: Sequence[str], seed: int) -> pd.DataFrame:
    """Up to 200 cells of each label in the healthy reference, if any, sorted by row: row, lineage (the label)."""
    parts = [pd.DataFrame({"row": np.empty(0, dtype=np.int64), "lineage": np.empty(0, dtype=object)})]
    if healthy is None:
        return parts[0]
    order = np.argsort(healthy.counts.cell_ids.astype(str), kind="stable")
    known = healthy.labels.astype(object).to_numpy()
    for label in labels:
        rows = order[known[order] == label]
        if len(rows) > _MAX_BORROWED:
            rows = named_generator(seed, label).choice(rows, _MAX_BORROWED, replace=False)
        parts.append(pd.DataFrame({"row": np.sort(rows), "lineage": label}))
    return pd.concat(parts, ignore_index=True).sort_values("row", ignore_index=True)


def labels_to_borrow(obs: pd.DataFrame, normal_labels: Sequence[str], min_reference: int) -> list[str]:
    """The labels with too few normal cells, as far as they may serve."""
    enough = obs.loc[obs["reference"], "lineage"].value_counts()
    return [
        label
        for label in sorted(obs["label"].astype(str).unique())
        if enough.get(label, 0) < min_reference and (not len(normal_labels) or label in normal_labels)
    ]


def reference_table(obs: pd.DataFrame, borrowed: pd.DataFrame, cells: pd.DataFrame, min_reference: int) -> pd.DataFrame:
    """Which cells served as reference: label, group, n_cells, used, why.

    Parameters
    ----------
    obs
        From :func:`with_lineages`.
    borrowed
        Cells of the healthy reference, from :func:`healthy_rows`.
    cells
        The called cells (`CnvResult.cells`): those of `obs`, then those of `borrowed`.
    """
    used = (cells["role"] == "reference").to_numpy()
    carrier = (cells["reason"] == TAKEN_OUT).to_numpy()
    why = pd.Series(f"fewer than {min_reference} normal cells of the label", index=cells.index, dtype=object)
    why = why.mask(np.r_[obs["held_out"], np.zeros(len(borrowed), dtype=bool)].astype(bool), "held out, as a control")
    why = why.mask(carrier, cells["reason"]).mask(used, "nothing against it")
    why = pd.Series(np.r_[obs["why"], np.full(len(borrowed), None)], index=cells.index).fillna(why)
    why = why.mask(used & (np.arange(len(cells)) >= len(obs)), "borrowed: the patient has too few")
    table = pd.DataFrame({
        "label": np.r_[obs["label"].astype(object), borrowed["lineage"].astype(object)],
        "group": np.r_[obs["group"].astype(object), np.full(len(borrowed), "healthy reference", dtype=object)],
        "used": used, "why": why.to_numpy(),
    })  # fmt: skip
    keys = ["label", "group", "used", "why"]
    return table.groupby(keys, sort=True).size().rename("n_cells").reset_index()


def doubted_labels(table: pd.DataFrame) -> list[str]:
    """Labels of which a whole group does not look normal, by the table from :func:`reference_table`."""
    doubted = (table["why"] == BLOCKS) | table["why"].str.contains(ARMS_DIFFER)
    n_cells = table[doubted].groupby("label")["n_cells"].sum()
    return sorted(n_cells.index[n_cells >= SMALL_GROUP])


def warn_of_refused(table: pd.DataFrame) -> None:
    """Log the labels of which a whole group is in doubt, and the line of the config that leaves them out."""
    refused = doubted_labels(table)
    if refused:
        log.warning("%s", refusal(refused, table))


def refusal(refused: Sequence[str], table: pd.DataFrame) -> str:
    """That a patient's labels are refused, in words, with the line of the config to paste.

    Parameters
    ----------
    table
        From :func:`reference_table`, of this patient or of the cohort: the labels that served as reference in it, less
        those that are refused, are what is left.
    """
    left = sorted(set(table.loc[table["used"], "label"]) - set(refused))
    remedy = (
        "When in doubt, leave these labels out, which holds for all patients: "
        f"`cnv: {{normal_labels: {json.dumps(left, ensure_ascii=False)}}}`."
        if left
        else "No label is left that could serve: where there is no other sign, calls are undetermined."
    )
    return (
        f"Some cells labelled {', '.join(refused)} do not look normal and did not serve as copy-number reference "
        f"(cnv_reference says why). {remedy}"
    )
