"""The cohort's tables as the report needs them: read once, the long ones as quantiles, counts and histograms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..core.files import read_json
from ..outputs.parquet import read_frame
from ..outputs.schemas import (
    ENRICHMENT,
    FINDINGS,
    GENE_SCORES,
    INTEGRATION,
    MARKERS,
    ORIGIN_GENE_SETS,
    ORIGIN_GENES,
    QUANTILES,
    SECTIONS,
)
from ..outputs.table_names import CNV_TABLES

UNLIKE_REFERENCE = "unlike the reference"
NONE_FITS = "none fits"
"""Stands for the origin of the OOD cells that no type of the reference fits."""
CONFIDENCE_BINS = 100
_OPTIONAL = {
    "integration": INTEGRATION,
    "sections": SECTIONS,
    "gene_scores": GENE_SCORES,
    "enrichment": ENRICHMENT,
    "origin_genes": ORIGIN_GENES,
    "origin_gene_sets": ORIGIN_GENE_SETS,
    "markers": MARKERS,
    "findings": FINDINGS,
}
_QC_METRICS = ("n_counts", "n_genes", "mito_share")


@dataclass(frozen=True)
class ReportData:
    """The cohort's tables (see `outputs.schemas`), summaries of the long ones, and the model's record.

    Attributes
    ----------
    qc_quantiles, qc_outcomes
        By sample: metric and its quantiles; verdict (passed or the reason) and cells.
    coverage
        By sample: how many vocabulary genes were matched in which way.
    confidence, type_confidence
        Cells by patient (index), or by patient and label (index of two levels, OOD cells left out), and hundredth of
        confidence (columns), every cell of the cohort.
    reference
        The reference's types: label, n_cells, n_donors (0: unknown), f1 on held-out cells (missing: none was held out),
        and the share of the cohort's cells with this label, OOD cells left out, whose label set names other types, too
        (`open`; missing where there is no such cell).
    origins, cnv_origins
        With `NONE_FITS` where the origin is missing.
    integration, sections, gene_scores, enrichment, origin_genes, origin_gene_sets, markers, findings
        Empty where the inputs do not name them.
    cnv_arms, cnv_groups, cnv_burden, cnv_patients, cnv_origins, cnv_reference, cnv_limits
        None when copy number is switched off.
    heatmaps
        Copy-number picture by patient.
    """

    samples: pd.DataFrame
    verdict: pd.DataFrame
    composition: pd.DataFrame
    ood: pd.DataFrame
    origins: pd.DataFrame
    evaluation: pd.DataFrame
    confusion: pd.DataFrame
    umap: pd.DataFrame
    qc_quantiles: pd.DataFrame
    qc_outcomes: pd.DataFrame
    coverage: pd.DataFrame
    confidence: pd.DataFrame
    type_confidence: pd.DataFrame
    integration: pd.DataFrame
    sections: pd.DataFrame
    gene_scores: pd.DataFrame
    enrichment: pd.DataFrame
    origin_genes: pd.DataFrame
    origin_gene_sets: pd.DataFrame
    markers: pd.DataFrame
    findings: pd.DataFrame
    reference: pd.DataFrame
    history: pd.DataFrame
    metrics: dict
    calibration: dict
    cnv_arms: pd.DataFrame | None = None
    cnv_groups: pd.DataFrame | None = None
    cnv_burden: pd.DataFrame | None = None
    cnv_patients: pd.DataFrame | None = None
    cnv_origins: pd.DataFrame | None = None
    cnv_reference: pd.DataFrame | None = None
    cnv_limits: pd.DataFrame | None = None
    heatmaps: dict[str, Path] = field(default_factory=dict)

    @property
    def patients(self) -> list[str]:
        """Patients in the order of the sample sheet."""
        return list(dict.fromkeys(self.samples["patient_id"]))

    def false_alarm_rate(self, alpha: float) -> float:
        """Share of the reference's own cells that are called at the level `alpha`, each judged without its donor and
        without a shift; 0 where it was not measured."""
        measured = self.metrics.get("ood_false_alarms") or {"alpha": [alpha], "rate": [0.0]}
        return float(np.interp(alpha, measured["alpha"], measured["rate"]))

    @property
    def labels(self) -> list[str]:
        """Types of the reference and of the cohort, the most frequent in the cohort first."""
        counts = self.composition.groupby("label")["n_cells"].sum()
        known = self.metrics.get("confusion", {}).get("labels", [])
        names = set(counts.index) | set(known) | set(self.umap["label"])
        return sorted(names, key=lambda name: (-counts.get(name, 0), name))


def load(inputs: Mapping[str, str | Sequence[str]], *, patients: Sequence[str] = ()) -> ReportData:
    """Read the report's inputs.

    Parameters
    ----------
    inputs
        Paths by name: the cohort tables; `qc` and `genes`, one file a sample in the order of the table of samples;
        `labels`, `history`, `metrics`, `calibration` of the model; with copy number the tables
        of `CNV_TABLES` and `heatmaps`; those of `_OPTIONAL` if there are any.
    patients
        The patients of `heatmaps`, in its order.
    """
    names = ["samples", "verdict", "composition", "ood", "origins", "evaluation", "confusion", "umap", "history"]
    files = {name: path for name, path in inputs.items() if isinstance(path, str)}
    lists = {name: paths for name, paths in inputs.items() if not isinstance(paths, str)}
    frames = {name: read_frame(files[name]) for name in names}
    frames["origins"] = frames["origins"].fillna({"origin": NONE_FITS})
    samples = frames["samples"]["sample_id"].tolist()
    frames |= {name: _optional(files, name, schema) for name, schema in _OPTIONAL.items()}
    quantiles, outcomes = _qc(lists["qc"], samples)
    confidence, type_confidence, open_labels = _labels(files["annotation"])
    metrics = read_json(files["metrics"])
    copy_number = {name: read_frame(files[name]) for name in CNV_TABLES if "cnv_arms" in files}
    if copy_number:
        copy_number["cnv_origins"] = copy_number["cnv_origins"].fillna({"origin": NONE_FITS})
    return ReportData(
        **frames,
        qc_quantiles=quantiles,
        qc_outcomes=outcomes,
        coverage=_coverage(lists["genes"], samples),
        confidence=confidence,
        type_confidence=type_confidence,
        reference=_reference(files["labels"], metrics, open_labels),
        metrics=metrics,
        calibration=read_json(files["calibration"]),
        **copy_number,
        heatmaps=dict(zip(patients, map(Path, lists.get("heatmaps", [])), strict=True)) if copy_number else {},
    )


def histogram_quantiles(histogram: pd.DataFrame) -> pd.DataFrame:
    """Quantiles (columns of `QUANTILES`) of each row of a histogram over [0, 1], to the width of a bin."""
    share = histogram.to_numpy().cumsum(1) / np.maximum(histogram.to_numpy().sum(1, keepdims=True), 1)
    middle = (np.arange(histogram.shape[1]) + 0.5) / histogram.shape[1]
    columns = {name: middle[(share < q).sum(1).clip(max=len(middle) - 1)] for name, q in QUANTILES.items()}
    return pd.DataFrame(columns, index=histogram.index)


def _reference(labels: str, metrics: dict, open_labels: pd.Series) -> pd.DataFrame:
    types = read_frame(labels, ["label", "n_cells"])
    donors = metrics.get("donors_by_label", {})
    f1 = {label: scores["f1"] for label, scores in metrics.get("per_label", {}).items()}
    n_donors = types["label"].map(donors).fillna(0).astype(int)
    return types.assign(n_donors=n_donors, f1=types["label"].map(f1), open=types["label"].map(open_labels))


def _qc(paths: Sequence[str], samples: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    quantiles, outcomes = [], []
    for path, sample in zip(paths, samples, strict=True):
        cells = read_frame(path, [*_QC_METRICS, "passed", "reason"])
        if cells.empty:
            continue
        table = cells[list(_QC_METRICS)].quantile(list(QUANTILES.values())).T
        table.columns = list(QUANTILES)
        quantiles.append(table.rename_axis("metric").reset_index().assign(sample_id=sample))
        outcome = cells["reason"].where(~cells["passed"], "passed").fillna("not stated").value_counts()
        outcomes.append(outcome.rename_axis("verdict").rename("n_cells").reset_index().assign(sample_id=sample))
    empty = (["metric", *QUANTILES, "sample_id"], ["verdict", "n_cells", "sample_id"])
    return tuple(
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
        for parts, columns in zip((quantiles, outcomes), empty, strict=True)
    )


def _coverage(paths: Sequence[str], samples: Sequence[str]) -> pd.DataFrame:
    parts = [
        read_frame(path, ["match"]).value_counts().rename("n_genes").reset_index().assign(sample_id=sample)
        for path, sample in zip(paths, samples, strict=True)
    ]
    columns = ["match", "n_genes", "sample_id"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _labels(path: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Histograms of confidence by patient, and by patient and label over the cells that are not OOD, and the share of
    these by label whose set has other labels; streamed."""
    patients: dict[str, np.ndarray] = {}
    types: dict[tuple[str, str], np.ndarray] = {}
    n_open, n_cells = Counter[str](), Counter[str]()
    columns = ["patient_id", "label", "is_ood", "confidence", "label_set"]
    for batch in pq.ParquetFile(path).iter_batches(columns=columns):
        cells = batch.to_pandas()
        cells["bin"] = (cells["confidence"] * CONFIDENCE_BINS).astype(int).clip(0, CONFIDENCE_BINS - 1)
        _count(patients, cells.groupby("patient_id")["bin"])
        typed = cells[~cells["is_ood"]]
        _count(types, typed.groupby(["patient_id", "label"])["bin"])
        n_cells.update(typed["label"])
        n_open.update(typed.loc[typed["label_set"] != typed["label"], "label"])
    by_type = pd.DataFrame.from_dict(types, orient="index", columns=range(CONFIDENCE_BINS))
    by_type.index = pd.MultiIndex.from_tuples(types, names=["patient_id", "label"])
    by_patient = pd.DataFrame.from_dict(patients, orient="index", columns=range(CONFIDENCE_BINS))
    return by_patient, by_type, pd.Series({label: n_open[label] / n for label, n in n_cells.items()}, dtype=float)


def _count(histograms: dict, bins: pd.api.typing.SeriesGroupBy) -> None:
    """Add the counts of each group's bins to its histogram."""
    for name, group in bins:
        histograms[name] = histograms.get(name, 0) + np.bincount(group, minlength=CONFIDENCE_BINS)


def _optional(files: Mapping[str, str], name: str, schema: pa.Schema) -> pd.DataFrame:
    return read_frame(files[name]) if name in files else schema.empty_table().to_pandas()


def patient_composition(data: ReportData) -> pd.DataFrame:
    """Cells and share by patient and label, OOD cells under `UNLIKE_REFERENCE` instead of their nearest label."""
    counts = data.composition.groupby(["patient_id", "label"], sort=False)[["n_cells", "n_ood"]].sum().reset_index()
    typed = counts.assign(n=counts["n_cells"] - counts["n_ood"])
    unlike = counts.groupby("patient_id", sort=False)["n_ood"].sum().rename("n").reset_index()
    table = pd.concat([typed, unlike.assign(label=UNLIKE_REFERENCE)])[["patient_id", "label", "n"]].query("n > 0")
    table["share"] = table["n"] / table.groupby("patient_id")["n"].transform("sum")
    return table.rename(columns={"patient_id": "patient"}).reset_index(drop=True)
