"""The figures in which every point is a cell: the map of reference and cohort, and sections of spatial samples."""

from __future__ import annotations

import altair as alt
import pandas as pd

from ..report_data import UNLIKE_REFERENCE, ReportData
from . import marks
from .palette import ALTERED, LIKE, QUIET, UNALTERED, UNLIKE, label_colours
from .panels import Figure, Panel

MOST_PATIENT_COLOURS = 12
CALLS = {"aneuploid": ALTERED, "diploid": UNALTERED, "undetermined": QUIET}
LIKE_REFERENCE = "like the reference"
RESEMBLANCE = {LIKE_REFERENCE: LIKE, UNLIKE_REFERENCE: UNLIKE}
_SECTION = 300
_NAMED_GENES, _OTHER_GENE = 12, "other"


def umap(data: ReportData) -> Figure:
    """Reference by type; cohort by label, patient, OOD and copy number, each over the reference in grey."""
    points = data.umap.rename(columns={"patient_id": "patient"})
    reference = points.loc[points["set"] == "reference", ["x", "y", "label"]].round(2)
    cohort = points.loc[points["set"] == "cohort", ["x", "y", "label", "patient", "is_ood", "cnv_call"]].round(2)
    cohort = cohort.assign(resemblance=_resemblance(cohort["is_ood"])).drop(columns="is_ood")
    colours = {label: colour for label, colour in label_colours(data.labels).items() if label in set(points["label"])}
    limits = {axis: [float(points[axis].min()) - 0.5, float(points[axis].max()) + 0.5] for axis in "xy"}
    background = _points("reference", limits).mark_circle(size=7, opacity=0.22, color=QUIET, aria=False)
    shown = _points("cohort", limits).mark_circle(size=12, opacity=0.8, aria=False)
    shown = shown.add_params(alt.param(name="patient", value="all"))
    shown = shown.transform_filter("patient == 'all' || datum.patient == patient")
    panels = [Panel("Reference, by type", _coloured(_points("reference", limits), "label", colours), canvas=True)]
    for title, column, own in _views(data, cohort, colours):
        chart = alt.layer(background, _coloured(shown, column, own, size=None))
        panels.append(Panel(title, chart, canvas=True, legend={} if column == "label" else own))
    return Figure("umap", panels, {"reference": reference, "cohort": cohort}, colours, sampled=True)


def _views(data: ReportData, cohort: pd.DataFrame, colours: dict[str, str]) -> list[tuple[str, str, dict[str, str]]]:
    """What the cohort's cells are coloured by: title, column and colours."""
    views = [("Cohort, by label", "label", colours)]
    patients = [patient for patient in data.patients if patient in set(cohort["patient"])]
    if 1 < len(patients) <= MOST_PATIENT_COLOURS:
        views.append(("Cohort, by patient", "patient", label_colours(patients)))
    views.append((f"Cohort, cells {UNLIKE_REFERENCE}", "resemblance", RESEMBLANCE))
    if cohort["cnv_call"].notna().any():
        views.append(("Cohort, by copy number", "cnv_call", CALLS))
    return views


def sections(data: ReportData) -> Figure:
    """The cells of spatial samples in their place: by label, like the reference or not, by copy number, and by gene."""
    cells = data.sections.rename(columns={"sample_id": "sample", "patient_id": "patient"})
    colours = {label: colour for label, colour in label_colours(data.labels).items() if label in set(cells["label"])}
    named = cells["gene"].value_counts().index[:_NAMED_GENES].tolist()
    gene = cells["gene"].where(cells["gene"].isin(named), _OTHER_GENE)
    frame = _squared(cells).assign(resemblance=_resemblance(cells["is_ood"]), gene=gene)
    frame = frame[["sample", "patient", "x", "y", "label", "resemblance", "cnv_call", "gene"]]
    base = alt.Chart(marks.named("cells"), height=_SECTION).encode(
        x=alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.52, 0.52], nice=False)),
        y=alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-0.52, 0.52], nice=False, reverse=True)),
    )
    views = [("By label", "label", colours), (f"Cells {UNLIKE_REFERENCE}", "resemblance", RESEMBLANCE)]
    views += [("By copy number", "cnv_call", CALLS)] if cells["cnv_call"].notna().any() else []
    views += [("Gene of the highest score", "gene", label_colours(named) | {_OTHER_GENE: QUIET})] if named else []
    panels = [
        Panel(title, _coloured(base, column, own, size=14), canvas=True, legend=own) for title, column, own in views
    ]
    return Figure("sections", panels, {"cells": frame}, sampled=True)


def _squared(cells: pd.DataFrame) -> pd.DataFrame:
    """Coordinates in units of the longer side of the section, from its middle, so that it keeps its shape."""
    places = cells.groupby("sample")[["x", "y"]]
    low, high = places.transform("min"), places.transform("max")
    side = (high - low).max(axis=1)
    middle = (low + high) / 2
    return cells.assign(**{axis: ((cells[axis] - middle[axis]) / side.where(side > 0, 1)).round(4) for axis in "xy"})


def _resemblance(is_ood: pd.Series) -> pd.Series:
    return is_ood.astype(bool).map({False: LIKE_REFERENCE, True: UNLIKE_REFERENCE})


def _points(data: str, limits: dict[str, list[float]]) -> alt.Chart:
    return alt.Chart(marks.named(data), height=300).encode(
        x=alt.X("x:Q", axis=None, scale=alt.Scale(domain=limits["x"], nice=False)),
        y=alt.Y("y:Q", axis=None, scale=alt.Scale(domain=limits["y"], nice=False)),
    )


def _coloured(chart: alt.Chart, column: str, colours: dict[str, str], *, size: int | None = 12) -> alt.Chart:
    """Points in the colours of a column; its text and the label are told by the tooltip."""
    if size:
        chart = chart.mark_circle(size=size, opacity=0.8, aria=False)
    colour = alt.Color(f"{column}:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())))
    return chart.encode(color=colour, tooltip=list(dict.fromkeys([f"{column}:N", "label:N"])))
