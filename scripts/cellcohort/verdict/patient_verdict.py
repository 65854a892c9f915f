"""The verdicts of one patient's cells: tables gathered, evidence weighed, written by patient and by sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from ..cnv.cell_calls import TOO_FEW_COUNTS
from ..outputs.parquet import concat_frames, empty, read_frame, write_table
from ..outputs.schemas import ANNOTATION, CNV_ARMS, CNV_CELLS, POSITIONAL, VERDICT, with_sample
from .arm_evidence import arm_evidence, clone_evidence
from .clonality import clonality_evidence
from .decision import SOURCES, assign_verdicts
from .known_arms import known_arm_evidence, read_known_arms
from .pooling import patient_share, pooled_prior
from .positional_evidence import positional_evidence

UNLIKE = 1.0
"""Log Bayes factor of a cell unlike the reference, its negative of one that is like it: never enough alone."""
_KEYS = ["sample_id", "cell_id"]


def judge_patient(cells: pd.DataFrame, arms: pd.DataFrame, known: dict[str, int]) -> pd.DataFrame:
    """Judge all cells of one patient; depends on the set of cells, not on their order.

    Parameters
    ----------
    cells
        From :func:`gather_cells`.
    arms
        The patient's cnv_arms table, empty without copy number.
    known
        From :func:`~cellcohort.verdict.known_arms.read_known_arms`.

    Returns
    -------
    `schemas.VERDICT`, a row for each cell in the order of `cells`.
    """
    ordered = cells.sort_values(_KEYS, ignore_index=True)
    own = arm_evidence(ordered)
    shared = pd.DataFrame({
        "positional": positional_evidence(ordered),
        "clone": clone_evidence(ordered),
        "clonality": clonality_evidence(ordered),
        "known arms": known_arm_evidence(ordered, arms, known),
    })  # fmt: skip
    groups, neighbourhoods = _units(ordered)
    share = patient_share(own + shared.sum(axis=1).to_numpy(), int(groups.max(initial=-1)) + 1)
    prior = pooled_prior(own, groups, neighbourhoods, share)
    is_ood = ordered["is_ood"].to_numpy(bool)
    unlike = np.where(is_ood, UNLIKE, -UNLIKE)
    probability = expit(prior + own + shared.sum(axis=1).to_numpy() + unlike)
    evidence = shared.assign(arms=own + prior - np.log(share / (1 - share)))[list(SOURCES)]
    too_few = ordered["cnv_reason"].astype(object).fillna("").str.startswith(TOO_FEW_COUNTS).to_numpy(bool)
    verdicts = assign_verdicts(probability, evidence, is_ood=is_ood, too_few=too_few)
    judged = pd.concat([ordered, verdicts.assign(p_malignant=probability)], axis=1)
    return cells[_KEYS].merge(judged, on=_KEYS, validate="one_to_one")[VERDICT.names]


def _units(cells: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Groups and neighbourhoods of cells as integers from 0 (n,).

    Where the sample's positional table lacks the cell, its group are the patient's cells of its label that are unlike
    the reference like itself, or not, and it is alone in its neighbourhood.
    """
    known = cells["group"].notna().to_numpy(bool)
    kind = cells["label"].astype(str) + "\t" + cells["is_ood"].astype(str)
    group = cells["sample_id"].astype(str) + "\t" + cells["group"].astype(str)
    neighbourhood = cells["sample_id"].astype(str) + "\t" + cells["neighbourhood"].astype(str)
    alone = cells["sample_id"].astype(str) + "\t\t" + cells["cell_id"].astype(str)
    return pd.factorize(group.where(known, "\t" + kind))[0], pd.factorize(neighbourhood.where(known, alone))[0]


def gather_cells(
    samples: Sequence[dict],
    *,
    annotation: Sequence[str | Path],
    positional: Sequence[str | Path] = (),
    cnv_cells: str | Path | None = None,
) -> pd.DataFrame:
    """All annotated cells of a patient with what is known of them, missing where a table is not there.

    Parameters
    ----------
    samples
        The patient's rows of the sheet.
    annotation, positional
        annotation.parquet of each sample, in their order, and positional.parquet where it was made.
    cnv_cells
        The patient's table.

    Returns
    -------
    The samples' annotated cells in their order: cell_id, sample_id, patient_id, label, is_ood; group, neighbourhood,
    pvalue, group_pvalue, kappa, lambda of `schemas.POSITIONAL`; llr, cnv_call, clone, lineage, reference_source and
    cnv_reason of `schemas.CNV_CELLS`.
    """
    names = [sample["sample_id"] for sample in samples]
    annotated = concat_frames([read_frame(path) for path in annotation], ANNOTATION)
    annotated = annotated[["cell_id", "sample_id", "patient_id", "label", "is_ood"]]
    blocks = [read_frame(path).assign(sample_id=name) for path, name in zip(positional, names, strict=bool(positional))]
    columns = ["group", "neighbourhood", "pvalue", "group_pvalue", "kappa", "lambda"]
    judged = pd.concat([empty(POSITIONAL).to_pandas().assign(sample_id=""), *blocks])[[*_KEYS, *columns]]
    calls = empty(with_sample(CNV_CELLS)).to_pandas() if cnv_cells is None else read_frame(cnv_cells)
    calls = calls.rename(columns={"reason": "cnv_reason"})
    called = calls[[*_KEYS, "llr", "cnv_call", "clone", "lineage", "reference_source", "cnv_reason"]]
    for table in (judged, called):
        keyed = table.astype(dict.fromkeys(_KEYS, object))
        annotated = annotated.merge(keyed, on=_KEYS, how="left", validate="one_to_one")
    return annotated


def write_patient_verdict(
    output: str | Path,
    samples: Sequence[dict],
    *,
    annotation: Sequence[str | Path],
    positional: Sequence[str | Path] = (),
    cnv_cells: str | Path | None = None,
    cnv_arms: str | Path | None = None,
    known_arms: Sequence[str] = (),
) -> None:
    """Judge a patient and write `schemas.VERDICT`; see :func:`gather_cells` for the tables.

    `known_arms` is what the sheet says of the patient's tumour, a text for each sample that it says it of.
    """
    cells = gather_cells(samples, annotation=annotation, positional=positional, cnv_cells=cnv_cells)
    arms = empty(CNV_ARMS).to_pandas() if cnv_arms is None else read_frame(cnv_arms)
    write_table(output, judge_patient(cells, arms, read_known_arms(known_arms)), VERDICT)


def write_sample_verdict(output: str | Path, patient: str | Path, *, sample_id: str) -> None:
    """Write a sample's rows of its patient's verdicts."""
    write_table(output, read_frame(patient, samples=[sample_id]), VERDICT)
