"""Evaluation of labels, confidence and OOD calls against a known truth: metrics with bootstrap intervals.

Truth types that the reference does not hold are the positives of OOD detection; labels are evaluated on the others.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support, roc_auc_score

from ..classifier.calibration_error import expected_calibration_error
from ..core.errors import InputError
from ..inputs.counts import open_sample
from ..inputs.placeholder_labels import is_placeholder
from ..outputs.parquet import read_frame
from ..outputs.schemas import CONFUSION, EVALUATION
from .bootstrap import CellCounter, CellCounts, metrics, resample_groups, type_metrics

log = logging.getLogger(__name__)
MIN_PATIENTS = 5
_COLUMNS = ["sample_id", "patient_id", "truth", "known", "label", "confidence", "ood_score", "is_ood"]


def load_cells(
    samples: Sequence[dict],
    *,
    annotation: str | Path,
    counts: Sequence[str | Path],
    labels: Sequence[str],
) -> pd.DataFrame:
    """Truth, label, confidence and OOD call of the annotated cells of all samples whose sheet names a truth column.

    Cells whose truth is missing are left out ("unknown" and "nan" are no truth either), and, with a warning, samples
    whose truth cannot be read. So are those of a truth column of which `labels`, those of the reference, hold no name
    in any sample: its names are of another vocabulary, not types that the reference lacks. `known` says whether
    `labels` hold the truth.

    Parameters
    ----------
    samples
        The sample sheet's rows.
    annotation
        The cohort's annotation table.
    counts
        Each sample's file or folder, in the order of `samples`.
    labels
        The reference's types.
    """
    evaluated = {
        sample["sample_id"]: (sample, path) for sample, path in zip(samples, counts, strict=True) if sample.get("truth")
    }
    columns = ["cell_id", *(name for name in _COLUMNS if name not in ("truth", "known"))]
    found = read_frame(annotation, columns, samples=list(evaluated)) if evaluated else pd.DataFrame(columns=columns)
    frames = []
    for name, group in found.groupby("sample_id", sort=False):
        try:
            frames.append(_with_truth(group, *evaluated[name], labels))
        except InputError as error:
            log.warning("sample %s is not evaluated: %s", name, error)
    frames = [frame for frame in frames if len(frame)]
    cells = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_COLUMNS)
    cells = cells.assign(known=cells["truth"].isin(list(labels)).astype(bool))[_COLUMNS]
    return _without_foreign(cells, {name: sample["truth"] for name, (sample, _) in evaluated.items()}, labels)


def evaluate(cells: pd.DataFrame, *, n_resamples: int = 300, seed: int = 1) -> pd.DataFrame:
    """Metrics of the cohort, its patients, samples and types (`schemas.EVALUATION`).

    Parameters
    ----------
    cells
        As `load_cells` returns it.
    n_resamples
        Bootstrap resamples behind `low` and `high`, the 2.5 % and 97.5 % quantiles. Within a patient, sample or type
        cells are resampled; for the cohort patients are, when there are at least `MIN_PATIENTS` of them.
    seed
        Of the bootstrap.

    Returns
    -------
    A row for each level, name and metric that is defined there. Label metrics are of the cells of known truth;
    macro-F1 and balanced accuracy are means over the known types that occur in the truth.
    """
    if cells.empty:
        return pd.DataFrame(columns=EVALUATION.names)
    cells = cells.sort_values(["sample_id", "truth", "label", "ood_score", "confidence"], ignore_index=True)

    def draw(group: pd.DataFrame) -> CellCounts:
        """Resamples by the group's own bins of the score: other patients do not move its interval (design law 1)."""
        return CellCounter(group)(group).resample(n_resamples, seed)

    counter = CellCounter(cells)
    patients = [counter(group) for _, group in cells.groupby("patient_id")]
    by_patient = len(patients) >= MIN_PATIENTS
    cohort = resample_groups(patients, n_resamples, seed) if by_patient else draw(cells)
    rows = _rows("cohort", "cohort", cells, metrics(cohort))
    for level, key in (("patient", "patient_id"), ("sample", "sample_id")):
        for name, group in cells.groupby(key, sort=True):
            rows += _rows(level, name, group, metrics(draw(group)))
    rows += _known_type_rows(cells, counter.types, cohort)
    for name, group in cells.groupby("truth", sort=True):
        kept = ("ood_false_alarm_rate",) if group["known"].iloc[0] else ("ood_auroc", "ood_aupr", "ood_recall")
        compared = group if group["known"].iloc[0] else cells[cells["known"] | (cells["truth"] == name)]
        rows += [row for row in _rows("type", name, compared, metrics(draw(compared))) if row["metric"] in kept]
    return pd.DataFrame(rows, columns=EVALUATION.names)


def confusion(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells by truth and label (`schemas.CONFUSION`); `known` says whether the reference holds the truth type."""
    counts = cells.groupby(["truth", "known", "label"], sort=True, observed=True).size()
    return counts.rename("n_cells").reset_index()[CONFUSION.names]


def _with_truth(cells: pd.DataFrame, sample: dict, counts: str | Path, labels: Sequence[str]) -> pd.DataFrame:
    """A sample's annotated cells whose truth is known: a type of the reference, or a word for another."""
    cells = cells.assign(truth=_truth(sample, counts).reindex(cells["cell_id"]).to_numpy())
    truth = cells["truth"].fillna("")
    cells = cells[truth.isin(list(labels)) | ~truth.map(is_placeholder).astype(bool)].drop(columns="cell_id")
    return cells.astype({"truth": str, "confidence": "float64", "ood_score": "float64", "is_ood": bool})


def _without_foreign(cells: pd.DataFrame, columns: Mapping[str, str], labels: Sequence[str]) -> pd.DataFrame:
    """`cells` without those of samples whose truth column (`columns`, by sample) has no name of the reference's."""
    column = cells["sample_id"].map(columns)
    foreign = sorted(set(column) - set(column[cells["known"]]))
    for name in foreign:
        log.warning(
            "truth column %r is not evaluated, as none of its names (%s) is a type of the reference (%s). Give them "
            "the names of the reference",
            name,
            ", ".join(sorted(cells.loc[column == name, "truth"].unique())[:5]),
            ", ".join(sorted(labels)[:5]),
        )
    return cells[~column.isin(foreign)].reset_index(drop=True)


def _truth(sample: dict, path: str | Path) -> pd.Series:
    counts = open_sample(sample, str(path))
    column = sample["truth"]
    if column not in counts.obs_columns:
        raise InputError(
            f"{path}: obs: there is no column {column!r}, which the sample sheet names as truth of sample "
            f"{sample['sample_id']}. Name one of: {', '.join(counts.obs_columns) or '(none)'}; or leave truth empty."
        )
    return pd.Series(counts.obs_column(column), index=counts.cell_ids)


def _rows(level: str, name: str, cells: pd.DataFrame, drawn: dict[str, np.ndarray]) -> list[dict]:
    known = int(cells["known"].sum())
    n_cells = {"ood_auroc": len(cells), "ood_aupr": len(cells), "ood_recall": len(cells) - known}
    values = {**_label_values(cells[cells["known"]]), **_ood_values(cells)}
    return [_row(level, name, metric, values[metric], drawn[metric], n_cells.get(metric, known)) for metric in values]


def _label_values(known: pd.DataFrame) -> dict[str, float]:
    """Label metrics of cells of known truth; none without cells."""
    if known.empty:
        return {}
    right = known["truth"] == known["label"]
    types = sorted(known["truth"].unique())
    return {
        "accuracy": right.mean(),
        "macro_f1": f1_score(known["truth"], known["label"], labels=types, average="macro", zero_division=0),
        "balanced_accuracy": right.groupby(known["truth"]).mean().mean(),
        "ece": expected_calibration_error(known["confidence"].to_numpy(), right.to_numpy()),
    }


def _ood_values(cells: pd.DataFrame) -> dict[str, float]:
    """OOD metrics, as far as known and unknown cells are there."""
    unknown = ~cells["known"].to_numpy()
    values = {}
    if unknown.any() and not unknown.all():
        values["ood_auroc"] = roc_auc_score(unknown, cells["ood_score"])
        values["ood_aupr"] = average_precision_score(unknown, cells["ood_score"])
    if unknown.any():
        values["ood_recall"] = cells.loc[unknown, "is_ood"].mean()
    if not unknown.all():
        values["ood_false_alarm_rate"] = cells.loc[~unknown, "is_ood"].mean()
    return values


def _known_type_rows(cells: pd.DataFrame, types: list[str], drawn: CellCounts) -> list[dict]:
    """Recall, precision and F1 of each known type."""
    known = cells[cells["known"]]
    if known.empty:
        return []
    names = sorted(known["truth"].unique())
    scores = precision_recall_fscore_support(known["truth"], known["label"], labels=names, zero_division=0)
    by_type, rows = type_metrics(drawn), []
    for name, precision, recall, f1, n_cells in zip(names, *scores, strict=True):
        for metric, value in (("recall", recall), ("precision", precision), ("f1", f1)):
            rows.append(_row("type", name, metric, value, by_type[metric][:, types.index(name)], n_cells))
    return rows


def _row(level: str, name: str, metric: str, value: float, drawn: np.ndarray, n_cells: int) -> dict:
    finite = drawn[np.isfinite(drawn)]
    low, high = np.quantile(finite, [0.025, 0.975]) if finite.size else (np.nan, np.nan)
    return dict(level=level, name=name, metric=metric, value=value, low=low, high=high, n_cells=n_cells)
