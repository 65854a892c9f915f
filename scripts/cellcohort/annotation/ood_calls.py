"""Which cells of a sample are OOD, their origins, and the sample's technical shift, as the tables tell them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import numpy as np
from scipy.stats import false_discovery_control

from ..bundle.model_bundle import Bundle
from ..ood.fitting_origins import fitting_origins
from ..ood.judgement import Judgement, SampleCells, judge_sample


def call_ood(
    bundle: Bundle,
    cells: SampleCells,
    origins: np.ndarray,
    margins: np.ndarray,
    *,
    measured: np.ndarray,
    alpha: float,
    shift: Literal["auto", "off"],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Judge n cells of a sample.

    Parameters
    ----------
    origins, margins
        Number of each cell's nearest type, and by how many standard deviations it is nearer than the next, shape (n,).
    measured
        Numbers of the vocabulary's genes that the sample's file holds.
    alpha
        A cell whose p-value is at most this is OOD.
    shift
        Whether a technical shift of the sample is looked for.

    Returns
    -------
    The columns of schemas.ANNOTATION that are about how unlike the reference the cells are, and the content of
    shift.json.
    """
    judged = judge_sample(bundle.profiles, bundle.detector, bundle.labels, cells, shift=shift)
    columns = ood_columns(cells.scores, judged.pvalues, alpha)
    asked_ood = columns["is_ood"][cells.asked]
    rows = cells.asked[asked_ood]
    fits = fitting_origins(bundle.profiles, cells.asked_bins[asked_ood], origins[rows], margins[rows], measured)
    named = np.where(~columns["is_ood"] | fits[origins], np.array(bundle.labels, object)[origins], None)
    described = describe_shift(judged, cells.barred, alpha=alpha)
    return columns | {"origin": named, "origin_margin": margins}, described


def ood_columns(scores: np.ndarray, pvalues: np.ndarray, alpha: float) -> dict[str, np.ndarray]:
    """Score, p-value, call and q-value of n cells."""
    qvalues = false_discovery_control(pvalues)
    return {"ood_score": scores, "ood_pvalue": pvalues, "is_ood": pvalues <= alpha, "ood_qvalue": qvalues}


def describe_shift(judged: Judgement, barred: np.ndarray, *, alpha: float) -> dict[str, Any]:
    """The content of shift.json: the fields of `judgement.Shift`, and shares of cells that are OOD without the shift,
    and whatever the shift (of the `barred` ones, bool, shape (n,)), of all cells; null where there are none."""
    unshifted = judged.unshifted <= alpha
    shares = {"ood_share_without_shift": unshifted, "ood_share_whatever_the_shift": unshifted & barred}
    return asdict(judged.shift) | {name: float(cells.mean()) if len(cells) else None for name, cells in shares.items()}
