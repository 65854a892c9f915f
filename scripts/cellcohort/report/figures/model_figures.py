"""The figures about the model and its evaluation."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ..report_data import ReportData
from ..text.metric_names import METRIC_NAMES
from . import marks
from .palette import ACCENT, UNLIKE
from .panels import Figure, Panel

_LOSS = {"train_loss": "training loss", "validation_loss": "held-out loss"}
_SCORES = {"validation_accuracy": "held-out accuracy", "validation_macro_f1": "held-out macro-F1"}
_PATIENT_METRICS = ("accuracy", "macro_f1", "ood_auroc", "ood_recall", "ood_false_alarm_rate")
_TYPE_METRICS = ("recall", "precision", "ood_recall")


def training(data: ReportData) -> Figure:
    """Loss and held-out scores by epoch."""
    legend = dict(zip([*_LOSS.values(), *_SCORES.values()], (ACCENT, "#E69F00", "#009E73", "#CC79A7"), strict=True))
    panels, frames = [], {}
    for name, curves, title, zero, fmt in (
        ("loss", _LOSS, "cross-entropy", True, ".2~f"),
        ("scores", _SCORES, "score", False, ".2f"),
    ):
        long = data.history.melt("epoch", list(curves), "curve", "value")
        frames[name] = long.assign(curve=long["curve"].map(curves))
        chart = marks.lines(name, title=title, colours=legend, zero=zero, fmt=fmt)
        panels.append(Panel("Loss by epoch" if name == "loss" else "Held-out scores by epoch", chart))
    return Figure("training", panels, frames, legend)


def confusion(data: ReportData) -> Figure:
    """The model's held-out reference cells, true type by label."""
    record = data.metrics.get("confusion", {"labels": [], "counts": []})
    labels = record["labels"]
    counts = pd.DataFrame(record["counts"], index=labels, columns=labels)
    long = counts.rename_axis("truth").reset_index().melt("truth", var_name="label", value_name="n")
    chart = marks.share_heatmap(
        "held_out",
        row="truth",
        column="label",
        row_order=labels,
        column_order=labels,
        titles=("true type", "label given"),
    )
    return Figure("confusion", [Panel("Held-out reference cells", chart)], {"held_out": _row_shares(long)})


def evaluation(data: ReportData) -> Figure:
    """Agreement with the samples' own annotation: scores by patient and type, and truth against label."""
    table = data.evaluation
    by_patient = table[table["level"].isin(["cohort", "patient"]) & table["metric"].isin(_PATIENT_METRICS)]
    by_patient = by_patient.assign(metric=by_patient["metric"].map(METRIC_NAMES))
    by_type = table[(table["level"] == "type") & table["metric"].isin(_TYPE_METRICS)]
    by_type = by_type.assign(metric=by_type["metric"].map(METRIC_NAMES))
    metrics = dict.fromkeys([*_PATIENT_METRICS, *_TYPE_METRICS])
    shades = (ACCENT, "#56B4E9", UNLIKE, "#E69F00", "#999933", "#009E73", "#CC79A7")
    colours = {METRIC_NAMES[name]: shade for name, shade in zip(metrics, shades, strict=True)}
    names = by_patient["name"].drop_duplicates().tolist()
    types = by_type["name"].drop_duplicates().tolist()
    truth = _row_shares(data.confusion.rename(columns={"n_cells": "n"}).drop(columns="known"))
    panels = [
        Panel("By patient", marks.estimates(
            "by_patient", row="name", order=names, metrics=_names(_PATIENT_METRICS), colours=colours)),
        Panel("By true type", marks.estimates(
            "by_type", row="name", order=types, metrics=_names(_TYPE_METRICS), colours=colours)),
        Panel("True type and label given", marks.share_heatmap(
            "truth", row="truth", column="label", row_order=_truth_order(data), column_order=data.labels,
            titles=("true type", "label given"))),
    ]  # fmt: skip
    frames = {"by_patient": by_patient.drop(columns="level"), "by_type": by_type.drop(columns="level"), "truth": truth}
    return Figure("evaluation", panels, frames, colours)


def _names(metrics: Iterable[str]) -> list[str]:
    return [METRIC_NAMES[name] for name in metrics]


def _row_shares(long: pd.DataFrame) -> pd.DataFrame:
    total = long.groupby("truth")["n"].transform("sum")
    return long.assign(share=(long["n"] / total.where(total > 0, 1)).astype(float))


def _truth_order(data: ReportData) -> list[str]:
    """Known types as elsewhere in the report, then those the reference does not know."""
    known = data.confusion.loc[data.confusion["known"].astype(bool), "truth"]
    unknown = sorted(set(data.confusion["truth"]) - set(known))
    return [*(label for label in data.labels if label in set(known)), *unknown]
