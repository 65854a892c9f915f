"""The figures about the model, its evaluation and copy number."""

from __future__ import annotations

import re

import pandas as pd

from . import marks
from .figure import Figure, Panel
from .inputs import ReportData
from .palette import ACCENT, GAIN, LOSS, OOD

_LOSS = {"train_loss": "training loss", "validation_loss": "held-out loss"}
_SCORES = {"validation_accuracy": "held-out accuracy", "validation_macro_f1": "held-out macro-F1"}
_LABEL_METRICS = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
_OOD_METRICS = {"ood_auroc": "OOD AUROC", "ood_recall": "OOD recall", "ood_false_alarm_rate": "OOD false alarms"}
_TYPE_METRICS = {"recall": "recall", "precision": "precision", "ood_recall": "OOD recall"}
_CALLS = {1: "gain", 0: "not called", -1: "loss"}


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


def cnv(data: ReportData) -> Figure:
    """Arms by patient, arms by group of cells, and scores by call."""
    arms = _altered_groups(data.cnv_arms)
    arms = arms.assign(
        row=[group_name(group, patient) for group, patient in zip(arms["group"], arms["patient_id"], strict=True)],
        arm=arms["arm"].map(short_arm),
        called=arms["call"].map(_CALLS),
        strength=(arms["log2_ratio"].abs() / 0.6).clip(upper=1).where(arms["call"] != 0, 0.0),
    )
    order = sorted(set(arms["arm"]), key=arm_order)
    rows = arms["row"].drop_duplicates().tolist()
    frames = {"arms": arms[["row", "arm", "called", "log2_ratio", "z", "strength"]]}
    details = {"log2_ratio": "+.2f", "z": "+.1f"}
    groups = marks.signed_heatmap("arms", row="row", column="arm", row_order=rows, column_order=order, details=details)
    frames["patients"] = _patient_arms(data.cnv_patients)
    patients = marks.signed_heatmap(
        "patients",
        row="patient",
        column="arm",
        row_order=[patient for patient in data.patients if patient in set(frames["patients"]["patient"])],
        column_order=sorted(set(frames["patients"]["arm"]), key=arm_order),
        details={"gained": ".0%", "lost": ".0%", "log2_ratio": "+.2f", "n_cells": ",d"},
    )
    frames["scores"] = _score_ranges(data.cnv_burden)
    ranges = marks.quantile_ranges(
        "scores", row="row", order=frames["scores"]["row"].tolist(), title="copy-number score of a cell"
    )
    legend = {"gained arm": GAIN, "lost arm": LOSS}
    panels = [
        Panel("Arms by patient", patients, share=1.6),
        Panel("Arms by altered group of cells", groups, share=1.6),
        Panel("Copy-number score", ranges),
    ]
    return Figure("cnv", panels, frames, legend)


def _patient_arms(table: pd.DataFrame) -> pd.DataFrame:
    """Arms by patient, with the larger of the gained and the lost share as the strength of the colour."""
    called = table["gained"].gt(table["lost"]).astype(int) - table["lost"].gt(table["gained"]).astype(int)
    return table.rename(columns={"patient_id": "patient"}).assign(
        arm=table["arm"].map(short_arm),
        called=called.map(_CALLS),
        strength=table[["gained", "lost"]].max(axis=1).where(called != 0, 0.0),
    )


def group_name(group: str, patient: str) -> str:
    """A group of cells with its patient in front, once, short enough for an axis."""
    parts = [part for part in group.replace("out of distribution", "OOD").split("|") if part != patient]
    return " · ".join([patient, *parts])


def short_arm(arm: str) -> str:
    """The arm without `chr`: 8q."""
    return str(arm).removeprefix("chr")


def arm_order(arm: str) -> tuple[int, str]:
    """Sort key of an arm: numbered chromosomes first, p before q."""
    match = re.match(r"(?:chr)?(\d+|\w)([pq]?)", str(arm))
    number, side = match.groups() if match else ("", str(arm))
    return int(number) if number.isdigit() else 99, number + side


def _altered_groups(arms: pd.DataFrame) -> pd.DataFrame:
    """The arms of the groups with any called arm; each once, though several samples may hold cells of a group."""
    arms = arms.drop_duplicates(["patient_id", "group", "arm"])
    altered = arms.groupby(["patient_id", "group"])["call"].transform(lambda calls: bool((calls != 0).any()))
    return arms[altered.astype(bool)]


def _row_shares(long: pd.DataFrame) -> pd.DataFrame:
    total = long.groupby("truth")["n"].transform("sum")
    return long.assign(share=(long["n"] / total.where(total > 0, 1)).astype(float))


def _truth_order(data: ReportData) -> list[str]:
    """Known types as elsewhere in the report, then those the reference does not know."""
    known = data.confusion.loc[data.confusion["known"].astype(bool), "truth"]
    unknown = sorted(set(data.confusion["truth"]) - set(known))
    return [*(label for label in data.labels if label in set(known)), *unknown]


def _score_ranges(burden: pd.DataFrame) -> pd.DataFrame:
    table = burden.dropna(subset=["score_median"]).rename(columns=lambda name: name.removeprefix("score_"))
    return table.assign(row=table["sample_id"] + " · " + table["group"])[["row", "low", "q1", "median", "q3", "high"]]
