"""Annotation tables for tests that care about a few of their columns."""

from __future__ import annotations

import pandas as pd

from cellcohort.outputs.schemas import ANNOTATION

DEFAULTS = {
    "sample_id": "S",
    "patient_id": "P",
    "label": "alpha",
    "confidence": 0.75,
    "second_label": "beta",
    "ood_score": 0.0,
    "ood_pvalue": 0.5,
    "is_ood": False,
    "ood_qvalue": 0.5,
    "origin": "alpha",
    "origin_margin": 1.0,
    "coarse_label": None,
    "coarse_confidence": None,
    "resolved_label": "alpha",
    "label_set": "alpha|beta",
}


def annotated(cells: pd.DataFrame) -> pd.DataFrame:
    """`cells` (with cell_id) in the columns of tables.ANNOTATION, those that it lacks by default values."""
    missing = {name: value for name, value in DEFAULTS.items() if name not in cells}
    return cells.assign(**missing)[ANNOTATION.names]
