"""The cohort's tables: one Arrow schema each (the per-sample ones are in `tables`)."""

from __future__ import annotations

import pyarrow as pa

from .sheet_columns import DESCRIPTION
from .tables import CNV_ARMS, with_sample


def _schema(required: dict[str, pa.DataType], optional: dict[str, pa.DataType] | None = None) -> pa.Schema:
    """A schema whose `required` columns forbid nulls."""
    return pa.schema(
        [pa.field(name, kind, nullable=False) for name, kind in required.items()]
        + [pa.field(name, kind) for name, kind in (optional or {}).items()]
    )


_TEXT, _INT, _REAL, _FLAG = pa.string(), pa.int64(), pa.float32(), pa.bool_()
_SAMPLE = {"sample_id": _TEXT, "patient_id": _TEXT}

ORIGIN_OF_FILE = ("workflow_version", "input_sha256")
"""Facts of a sample's status (see `provenance`) that the table of samples shows."""

SAMPLES = _schema(
    {**_SAMPLE, "status": _TEXT, "n_cells": _INT, "n_cells_kept": _INT},
    {"reason": _TEXT, "vocabulary_share": _REAL, "value_kind": _TEXT, "notes": _TEXT}
    | dict.fromkeys((*DESCRIPTION, *ORIGIN_OF_FILE), _TEXT),
)
COMPOSITION = _schema(
    {"patient_id": _TEXT, "sample_id": _TEXT, "label": _TEXT, "n_cells": _INT, "share": _REAL, "n_ood": _INT}
)
OOD = _schema(
    {**_SAMPLE, "n_cells": _INT, "n_ood": _INT},
    {"ood_share": _REAL, "median_score": _REAL, "median_confidence": _REAL, "shift": _REAL, "n_ood_fdr": _INT},
)
ORIGINS = _schema(
    {
        "patient_id": _TEXT,
        "origin": _TEXT,
        "n_cells": _INT,
        "share": _REAL,
        "low": _REAL,
        "high": _REAL,
        "margin": _REAL,
    }
)
COHORT_CNV_ARMS = with_sample(CNV_ARMS)
CNV_GROUPS = _schema(
    {**_SAMPLE, "group": _TEXT, "is_ood": _FLAG, "cnv_call": _TEXT, "n_cells": _INT}, {"label": _TEXT, "clone": _TEXT}
)
CNV_PATIENTS = _schema(
    {"patient_id": _TEXT, "arm": _TEXT, "n_cells": _INT, "gained": _REAL, "lost": _REAL}, {"log2_ratio": _REAL}
)
CNV_ORIGINS = _schema(
    {
        "patient_id": _TEXT,
        "origin": _TEXT,
        "n_ood": _INT,
        "n_aneuploid": _INT,
        "n_diploid": _INT,
        "n_undetermined": _INT,
    },
    {"aneuploid_share": _REAL, "arms": _TEXT},
)
CNV_MARKERS = _schema(
    {
        "patient_id": _TEXT,
        "origin": _TEXT,
        "rank": _INT,
        "symbol": _TEXT,
        "score": _REAL,
        "logfoldchange": _REAL,
        "pvals_adj": pa.float64(),
        "n_aneuploid": _INT,
        "n_normal": _INT,
    }
)
CNV_BURDEN = _schema(
    {**_SAMPLE, "group": _TEXT, "n_cells": _INT, "share": _REAL, "n_borrowed": _INT},
    {"score_low": _REAL, "score_q1": _REAL, "score_median": _REAL, "score_q3": _REAL, "score_high": _REAL},
)
EVALUATION = _schema(
    {"level": _TEXT, "name": _TEXT, "metric": _TEXT, "value": pa.float64()},
    {"low": pa.float64(), "high": pa.float64(), "n_cells": _INT},
)
_GENE_SET_TEST = {
    "gene_set": _TEXT,
    "n_genes": _INT,
    "auc": _REAL,
    "pvalue": pa.float64(),
    "qvalue": pa.float64(),
    "genes": _TEXT,
}
ENRICHMENT = _schema({"level": _TEXT, "label": _TEXT, **_GENE_SET_TEST}, {"slot": pa.int32()})
ORIGIN_GENES = _schema(
    {
        "patient_id": _TEXT,
        "origin": _TEXT,
        "rank": _INT,
        "symbol": _TEXT,
        "log2_change": _REAL,
        "z": _REAL,
        "detected": _REAL,
        "expected": _REAL,
        "n_cells": _INT,
    }
)
ORIGIN_GENE_SETS = _schema({"patient_id": _TEXT, "origin": _TEXT, "direction": _TEXT, **_GENE_SET_TEST})
LEAVE_TYPE_OUT = _schema(
    {"label": _TEXT, "n_cells": _INT},
    {"auroc": _REAL, "recall": _REAL, "false_alarms": _REAL, "taken_for": _TEXT, "taken_share": _REAL},
)
CONFUSION = _schema({"truth": _TEXT, "known": _FLAG, "label": _TEXT, "n_cells": _INT})
UMAP = _schema(
    {"cell_id": _TEXT, "set": _TEXT, "label": _TEXT, "is_ood": _FLAG, "x": _REAL, "y": _REAL},
    {**_SAMPLE, "cnv_call": _TEXT},
)
SECTIONS = _schema(
    {**_SAMPLE, "cell_id": _TEXT, "x": pa.float64(), "y": pa.float64(), "label": _TEXT, "is_ood": _FLAG},
    {"ood_score": _REAL, "cnv_call": _TEXT, "gene": _TEXT, "gene_score": _REAL},
)
INTEGRATION = _schema(
    {"aspect": _TEXT, "metric": _TEXT, "value": pa.float64(), "n_cells": _INT, "meaning": _TEXT},
)
