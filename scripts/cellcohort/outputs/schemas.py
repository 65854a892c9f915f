"""Arrow schemas of the result tables: the same with a million rows and with none.

Tables of a sample come first, those of the model bundle and of the cohort after them. config/README.md says what the
columns hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from ..inputs.sample_columns import DESCRIPTION

TEXT, INT, REAL, DOUBLE, FLAG = pa.string(), pa.int64(), pa.float32(), pa.float64(), pa.bool_()


@dataclass(frozen=True)
class _Nullable:
    kind: pa.DataType


def _schema(**columns: pa.DataType | _Nullable) -> pa.Schema:
    """A schema whose columns forbid nulls, except those that are `_Nullable`."""
    return pa.schema(
        pa.field(name, column.kind, nullable=True)
        if isinstance(column, _Nullable)
        else pa.field(name, column, nullable=False)
        for name, column in columns.items()
    )


_SAMPLE = {"sample_id": TEXT, "patient_id": TEXT}
QUANTILES = {"low": 0.05, "q1": 0.25, "median": 0.5, "q3": 0.75, "high": 0.95}
"""The quantiles by which a distribution over cells is told."""

QC = _schema(
    cell_id=TEXT,
    n_counts=DOUBLE,
    n_genes=pa.int32(),
    mito_share=REAL,
    doublet_score=_Nullable(REAL),
    predicted_doublet=_Nullable(FLAG),
    passed=FLAG,
    reason=_Nullable(TEXT),
)
GENES = _schema(token_id=pa.int32(), gene_id=_Nullable(TEXT), symbol=TEXT, match=TEXT, query_genes=pa.list_(TEXT))
FINDINGS = _schema(topic=TEXT, text=TEXT)
POSITIONAL = _schema(
    cell_id=TEXT,
    neighbourhood=pa.int32(),
    n_cells=pa.int32(),
    z=_Nullable(REAL),
    pvalue=_Nullable(REAL),
    group=pa.int32(),
    group_n_cells=pa.int32(),
    group_z=_Nullable(REAL),
    group_pvalue=_Nullable(REAL),
    kappa=REAL,
    **{"lambda": REAL},
)
_LABEL = {"label": TEXT, "confidence": REAL, "second_label": TEXT}
_RESOLVED = {"coarse_label": _Nullable(TEXT), "coarse_confidence": _Nullable(REAL), "resolved_label": TEXT}
SCORES = _schema(
    cell_id=TEXT,
    **_SAMPLE,
    **_LABEL,
    **_RESOLVED,
    possible_labels=pa.list_(TEXT),
    needed_coverage=pa.list_(REAL),
    ood_score=REAL,
    ood_pvalue=DOUBLE,
    ood_qvalue=REAL,
    unshifted_pvalue=DOUBLE,
    positional=FLAG,
    nearest_type=TEXT,
    origin_margin=REAL,
    own_genes=REAL,
    own_genes_expected=REAL,
)
ANNOTATION = _schema(
    cell_id=TEXT,
    **_SAMPLE,
    **_LABEL,
    ood_score=REAL,
    ood_pvalue=REAL,
    is_ood=FLAG,
    ood_qvalue=REAL,
    origin=_Nullable(TEXT),
    origin_margin=REAL,
    **_RESOLVED,
    label_set=TEXT,
)
GENE_SCORES = _schema(label=TEXT, symbol=TEXT, score=REAL, n_cells=INT, workspace=REAL, detected=REAL)
_SLOT = _Nullable(pa.int32())
_PROGRAM_QUALITY = dict.fromkeys(("stability", "coverage", "specificity"), _Nullable(REAL))
PROGRAMS = _schema(label=TEXT, slot=_SLOT, symbol=TEXT, weight=REAL, **_PROGRAM_QUALITY)
CNV_CELLS = _schema(
    cell_id=TEXT,
    role=TEXT,
    cnv_score=_Nullable(REAL),
    llr=_Nullable(REAL),
    fdr=_Nullable(REAL),
    cnv_call=TEXT,
    clone=_Nullable(TEXT),
    lineage=_Nullable(TEXT),
    reference_source=_Nullable(TEXT),
    reason=_Nullable(TEXT),
    label=TEXT,
    is_ood=FLAG,
)
CNV_ARMS = _schema(
    patient_id=TEXT,
    lineage=TEXT,
    cnv_call=TEXT,
    clone=_Nullable(TEXT),
    arm=TEXT,
    log2_ratio=REAL,
    z=REAL,
    call=pa.int8(),
)
VERDICT = _schema(cell_id=TEXT, **_SAMPLE, verdict=TEXT, p_malignant=REAL, reason=TEXT)

VOCABULARY = _schema(
    token_id=pa.int32(),
    gene_id=_Nullable(TEXT),
    symbol=TEXT,
    chromosome=_Nullable(TEXT),
    start=_Nullable(INT),
    end=_Nullable(INT),
)
LABELS = _schema(label_id=pa.int32(), label=TEXT, n_cells=INT, coarse=_Nullable(TEXT))
HEALTHY_TYPES = _schema(label=TEXT, symbol=TEXT, n_counts=DOUBLE)
HISTORY = _schema(
    epoch=pa.int32(),
    train_loss=REAL,
    validation_loss=REAL,
    validation_accuracy=REAL,
    validation_macro_f1=REAL,
    learning_rate=REAL,
)

PROVENANCE_OF_SAMPLE = ("workflow_version", "input_sha256")
"""Facts of a sample's status (see `core.provenance`) that the table of samples shows."""
SAMPLES = _schema(
    **_SAMPLE,
    status=TEXT,
    n_cells=INT,
    n_cells_kept=INT,
    reason=_Nullable(TEXT),
    vocabulary_share=_Nullable(REAL),
    value_kind=_Nullable(TEXT),
    notes=_Nullable(TEXT),
    **dict.fromkeys((*DESCRIPTION, *PROVENANCE_OF_SAMPLE), _Nullable(TEXT)),
)
COMPOSITION = _schema(patient_id=TEXT, sample_id=TEXT, label=TEXT, n_cells=INT, share=REAL, n_ood=INT)
OOD = _schema(
    **_SAMPLE,
    n_cells=INT,
    n_ood=INT,
    ood_share=_Nullable(REAL),
    ood_share_low=_Nullable(REAL),
    ood_share_high=_Nullable(REAL),
    median_score=_Nullable(REAL),
    median_confidence=_Nullable(REAL),
    shift=_Nullable(REAL),
    n_ood_fdr=_Nullable(INT),
    held_out_accuracy=_Nullable(REAL),
)
COHORT_VERDICT = _schema(
    patient_id=TEXT,
    sample_id=_Nullable(TEXT),
    n_cells=INT,
    n_malignant=INT,
    n_normal=INT,
    n_unexplained=INT,
    n_unsure=INT,
    malignant_share_at_least=_Nullable(REAL),
    malignant_share_at_most=_Nullable(REAL),
)
ORIGINS = _schema(patient_id=TEXT, origin=_Nullable(TEXT), n_cells=INT, share=REAL, low=REAL, high=REAL, margin=REAL)
MARKERS = _schema(
    patient_id=TEXT,
    rank=INT,
    symbol=TEXT,
    score=REAL,
    logfoldchange=REAL,
    pvals_adj=DOUBLE,
    n_malignant=INT,
    n_normal=INT,
)
COHORT_CNV_ARMS = pa.schema([*_schema(sample_id=TEXT), *CNV_ARMS])
CNV_GROUPS = _schema(
    **_SAMPLE,
    lineage=TEXT,
    is_ood=FLAG,
    cnv_call=TEXT,
    n_cells=INT,
    label=_Nullable(TEXT),
    clone=_Nullable(TEXT),
)
CNV_PATIENTS = _schema(patient_id=TEXT, arm=TEXT, n_cells=INT, gained=REAL, lost=REAL, log2_ratio=_Nullable(REAL))
CNV_ORIGINS = _schema(
    patient_id=TEXT,
    origin=_Nullable(TEXT),
    n_ood=INT,
    n_aneuploid=INT,
    n_diploid=INT,
    n_undetermined=INT,
    aneuploid_share=_Nullable(REAL),
    arms=_Nullable(TEXT),
)
CNV_REFERENCE = _schema(patient_id=TEXT, label=TEXT, group=TEXT, n_cells=INT, used=FLAG, why=TEXT)
CNV_LIMITS = _schema(patient_id=TEXT, arms=INT, log2_ratio=REAL, share=_Nullable(REAL), false_rate=REAL)
CNV_BURDEN = _schema(
    **_SAMPLE,
    group=TEXT,
    n_cells=INT,
    share=REAL,
    n_borrowed=INT,
    **{f"score_{name}": _Nullable(REAL) for name in QUANTILES},
)
EVALUATION = _schema(
    level=TEXT,
    name=TEXT,
    metric=TEXT,
    value=DOUBLE,
    low=_Nullable(DOUBLE),
    high=_Nullable(DOUBLE),
    n_cells=_Nullable(INT),
)
CONFUSION = _schema(truth=TEXT, known=FLAG, label=TEXT, n_cells=INT)
_GENE_SET_TEST = {"gene_set": TEXT, "n_genes": INT, "auc": REAL, "pvalue": DOUBLE, "qvalue": DOUBLE, "genes": TEXT}
ENRICHMENT = _schema(level=TEXT, label=TEXT, **_GENE_SET_TEST, slot=_SLOT, **_PROGRAM_QUALITY)
ORIGIN_GENES = _schema(
    patient_id=TEXT,
    origin=TEXT,
    rank=INT,
    symbol=TEXT,
    log2_change=REAL,
    z=REAL,
    detected=REAL,
    expected=REAL,
    n_cells=INT,
)
ORIGIN_GENE_SETS = _schema(patient_id=TEXT, origin=TEXT, direction=TEXT, **_GENE_SET_TEST)
LEAVE_TYPE_OUT = _schema(
    label=TEXT,
    n_cells=INT,
    auroc=_Nullable(REAL),
    recall=_Nullable(REAL),
    false_alarms=_Nullable(REAL),
    taken_for=_Nullable(TEXT),
    taken_share=_Nullable(REAL),
)
UMAP = _schema(
    cell_id=TEXT,
    set=TEXT,
    label=TEXT,
    is_ood=FLAG,
    x=REAL,
    y=REAL,
    sample_id=_Nullable(TEXT),
    patient_id=_Nullable(TEXT),
    cnv_call=_Nullable(TEXT),
)
SECTIONS = _schema(
    **_SAMPLE,
    cell_id=TEXT,
    x=DOUBLE,
    y=DOUBLE,
    label=TEXT,
    is_ood=FLAG,
    ood_score=_Nullable(REAL),
    cnv_call=_Nullable(TEXT),
    gene=_Nullable(TEXT),
    gene_score=_Nullable(REAL),
)
INTEGRATION = _schema(aspect=TEXT, metric=TEXT, value=DOUBLE, n_cells=INT, meaning=TEXT)


def embedding_schema(width: int) -> pa.Schema:
    """Schema of embedding.parquet for vectors of `width` float32 values."""
    return _schema(cell_id=TEXT, vector=pa.list_(REAL, width))


def reference_embedding_schema(width: int) -> pa.Schema:
    """Schema of reference_embedding.parquet for vectors of `width` float32 values."""
    return _schema(cell_id=TEXT, label=TEXT, donor=_Nullable(TEXT), split=TEXT, vector=pa.list_(REAL, width))


def with_sample(schema: pa.Schema) -> pa.Schema:
    """`schema` with sample_id and patient_id in front."""
    return pa.schema([*_schema(**_SAMPLE), *schema])
