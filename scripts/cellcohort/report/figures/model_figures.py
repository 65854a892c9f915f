"""The figures about the model and its evaluation."""

from __future__ import annotations

import pandas as pd

from ..report_data import ReportData
from . import marks
from .palette import ACCENT, OOD
from .panels import Figure, Panel

_LOSS = {"train_loss": "training loss", "validation_loss": "held-out loss"}
_SCORES = {"validation_accuracy": "held-out accuracy", "validation_macro_f1": "held-out macro-F1"}
_LABEL_METRICS = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
_OOD_METRICS = {"ood_auroc": "OOD AUROC", "ood_recall": "OOD recall", "ood_false_alarm_rate": "OOD false alarms"}
_TYPE_METRICS = {"recall": "recall", "precision": "precision", "ood_recall": "OOD recall"}


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
    scores = {**_LABEL_METRICS, **_OOD_METRICS}
    by_patient = table[table["level"].isin(["cohort", "patient"]) & table["metric"].isin(scores)]
    by_patient = by_patient.assign(metric=by_patient["metric"].map(scores))
    by_type = table[(table["level"] == "type") & table["metric"].isin(_TYPE_METRICS)]
    by_type = by_type.assign(metric=by_type["metric"].map(_TYPE_METRICS))
    colours = dict(zip(scores.values(), (ACCENT, "#56B4E9", OOD, "#E69F00", "#999933"), strict=True))
    colours |= {"recall": "#009E73", "precision": "#CC79A7"}
    names = by_patient["name"].drop_duplicates().tolist()
    types = by_type["name"].drop_duplicates().tolist()
    truth = _row_shares(data.confusion.rename(columns={"n_cells": "n"}).drop(columns="known"))
    panels = [
        Panel("By patient", marks.estimates(
            "by_patient", row="name", order=names, metrics=list(scores.values()), colours=colours)),
        Panel("By true type", marks.estimates(
            "by_type", row="name", order=types, metrics=list(_TYPE_METRICS.values()), colours=colours)),
        Panel("True type and label given", marks.share_heatmap(
            "truth", row="truth", column="label", row_order=_truth_order(data), column_order=data.labels,
            titles=("true type", "label given"))),
    ]  # fmt: skip
    frames = {"by_patient": by_patient.drop(columns="level"), "by_type": by_type.drop(columns="level"), "truth": truth}
    return Figure("evaluation", panels, frames, colours)


def _row_shares(long: pd.DataFrame) -> pd.DataFrame:
    total = long.groupby("truth")["n"].transform("sum")
    return long.assign(share=(long["n"] / total.where(total > 0, 1)).astype(float))


def _truth_order(data: ReportData) -> list[str]:
    """Known types as elsewhere in the report, then those the reference does not know."""
    known = data.confusion.loc[data.confusion["known"].astype(bool), "truth"]
    unknown = sorted(set(data.confusion["truth"]) - set(known))
    return [*(label for label in data.labels if label in set(known)), *unknown]
