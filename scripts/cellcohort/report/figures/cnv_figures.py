"""The figures about copy number."""

from __future__ import annotations

import pandas as pd

from ...cnv.cell_groups import GROUP, POOL
from ..report_data import UNLIKE_REFERENCE, ReportData
from ..text.number_format import arm_order, count, short_arm
from . import marks
from .palette import GAIN, LOSS
from .panels import Figure, Panel

_CALLS = {1: "gain", 0: "not called", -1: "loss"}
_FULL_RATIO = 0.6
_BOTH = 0.1  # of the aneuploid cells gained the arm and as many others lost it
_KEYS = ["patient_id", *GROUP]
_LEGEND = {"gained arm": GAIN, "lost arm": LOSS}


def cnv(data: ReportData) -> Figure:
    """Arms by patient, and scores by call."""
    frames = {"patients": _patient_arms(data.cnv_patients), "scores": _score_ranges(data.cnv_burden)}
    patients = marks.signed_heatmap(
        "patients",
        row="patient",
        column="arm",
        row_order=[patient for patient in data.patients if patient in set(frames["patients"]["patient"])],
        column_order=sorted(set(frames["patients"]["arm"]), key=arm_order),
        details={"gained": ".0%", "lost": ".0%", "log2_ratio": "+.2f", "n_cells": ",d"},
    )
    ranges = marks.quantile_ranges(
        "scores", row="row", order=frames["scores"]["row"].tolist(), title="copy-number score of a cell"
    )
    many = len(frames["patients"]) > 2000
    panels = [Panel("Arms by patient", patients, canvas=many, share=1.6), Panel("Copy-number score", ranges)]
    return Figure("cnv", panels, frames, _LEGEND)


def cnv_groups(data: ReportData) -> Figure:
    """Arms by altered group of cells, drawn for one patient at a time."""
    assert data.cnv_groups is not None  # drawn only with copy number
    arms = altered_groups(data.cnv_arms)
    sizes = data.cnv_groups.groupby(_KEYS, dropna=False)["n_cells"].sum().reset_index()
    arms = arms.merge(sizes.astype({"clone": object}), on=_KEYS, how="left")  # floats where none has a clone
    arms = arms.assign(
        patient=arms["patient_id"],
        row=group_names(arms) + " (" + arms["n_cells"].fillna(0).map(count).astype(str) + ")",
        arm=arms["arm"].map(short_arm),
        called=arms["call"].map(_CALLS),
        strength=(arms["log2_ratio"].abs() / _FULL_RATIO).clip(upper=1).where(arms["call"] != 0, 0.0),
    )
    order = sorted(set(arms["arm"]), key=arm_order)
    details = {"log2_ratio": "+.2f", "z": "+.1f"}
    chart = marks.signed_heatmap("arms", row="row", column="arm", row_order=None, column_order=order, details=details)
    frame = arms[["patient", "row", "arm", "called", "log2_ratio", "z", "strength"]]
    return Figure("cnv_groups", [Panel("Arms by altered group of cells", chart)], {"arms": frame}, _LEGEND)


def _patient_arms(table: pd.DataFrame) -> pd.DataFrame:
    """Arms by patient, with the larger of the gained and the lost share as the strength of the colour."""
    called = table["gained"].gt(table["lost"]).astype(int) - table["lost"].gt(table["gained"]).astype(int)
    return table.rename(columns={"patient_id": "patient"}).assign(
        arm=table["arm"].map(short_arm),
        called=called.map(_CALLS),
        strength=table[["gained", "lost"]].max(axis=1).where(called != 0, 0.0),
        both=table[["gained", "lost"]].min(axis=1) >= _BOTH,
    )


def group_names(groups: pd.DataFrame) -> pd.Series:
    """Lineage, then clone or call, short enough for an axis."""
    lineage = groups["lineage"].str.replace(POOL, UNLIKE_REFERENCE, regex=False)
    return lineage + " · " + groups["clone"].fillna(groups["cnv_call"])


def altered_groups(arms: pd.DataFrame) -> pd.DataFrame:
    """The arms of the groups with any called arm; each once, though several samples may hold cells of a group."""
    arms = arms.drop_duplicates([*_KEYS, "arm"])
    altered = arms.groupby(_KEYS, dropna=False)["call"].transform(lambda calls: bool((calls != 0).any()))
    return arms[altered.astype(bool)]


def _score_ranges(burden: pd.DataFrame) -> pd.DataFrame:
    table = burden.dropna(subset=["score_median"]).rename(columns=lambda name: name.removeprefix("score_"))
    return table.assign(row=table["sample_id"] + " · " + table["group"])[["row", "low", "q1", "median", "q3", "high"]]
