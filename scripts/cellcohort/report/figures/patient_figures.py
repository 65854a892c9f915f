"""The figures about the patients."""

from __future__ import annotations

import altair as alt
import pandas as pd

from ..report_data import NONE_FITS, UNLIKE_REFERENCE, ReportData, histogram_quantiles, patient_composition
from . import marks
from .palette import ACCENT, QUIET, UNLIKE, label_colours
from .panels import Figure, Panel

_MATCHES = {
    "id": "#0072B2", "symbol": "#56B4E9", "alias": "#009E73", "ortholog": "#CC79A7", "missing": QUIET,
}  # fmt: skip
_REASONS = ("#E69F00", "#CC79A7", "#56B4E9", "#AA4499", "#999933", "#44AA99")


def composition(data: ReportData) -> Figure:
    """Types of each patient's cells, with those unlike the reference apart."""
    table = patient_composition(data)
    present = [label for label in [*data.labels, UNLIKE_REFERENCE] if label in set(table["label"])]
    shades = {**label_colours(data.labels), UNLIKE_REFERENCE: UNLIKE}
    colours = {label: shades[label] for label in present}
    table["rank"] = table["label"].map({label: rank for rank, label in enumerate(colours)})
    chart = marks.stacked_shares(
        "composition",
        row="patient",
        order=data.patients,
        part="label",
        colours=colours,
        title="share of the patient's cells",
    )
    return Figure("composition", [Panel("Cell types by patient", chart)], {"composition": table}, colours)


def ood(data: ReportData, *, alpha: float) -> Figure:
    """Share of OOD cells by sample against alpha, and confidence by patient."""
    shares = data.ood.query("n_cells > 0").rename(columns={"sample_id": "sample", "ood_share": "share"})
    order = shares["sample"].tolist()
    bars = alt.Chart(marks.named("ood"), height=marks.ROW * max(1, len(order))).mark_bar(color=UNLIKE)
    title = "share of the sample's cells"
    bars = bars.encode(
        x=alt.X(
            "share:Q",
            title=title,
            axis=marks.axis(len(order), format=".0%", tickCount=5),
            scale=alt.Scale(domain=[0, 1]),
        ),
        y=marks.rows("sample", order),
        tooltip=[
            "sample:N",
            alt.Tooltip("share:Q", format=".1%", title=title),
            alt.Tooltip("n_ood:Q", format=",", title=f"cells {UNLIKE_REFERENCE}"),
        ],
    )
    expected = alt.Chart(marks.named("ood")).mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(alpha))
    confidence = histogram_quantiles(data.confidence).rename_axis("patient").reset_index()
    patients = [patient for patient in data.patients if patient in set(confidence["patient"])]
    ranges = marks.quantile_ranges(
        "confidence", row="patient", order=patients, title="calibrated probability", domain=[0, 1]
    )
    return Figure(
        "ood",
        [
            Panel(f"Cells {UNLIKE_REFERENCE} by sample", alt.layer(bars, expected)),
            Panel("Confidence of the label by patient", ranges),
        ],
        {"ood": shares[["sample", "share", "n_ood"]], "confidence": confidence},
    )


def origins(data: ReportData) -> Figure:
    """Origins of the OOD cells of each patient."""
    table = data.origins.rename(columns={"patient_id": "patient", "n_cells": "n"})
    present = [label for label in [*data.labels, NONE_FITS] if label in set(table["origin"])]
    shades = {**label_colours(data.labels), NONE_FITS: UNLIKE}
    colours = {label: shades[label] for label in present}
    table["rank"] = table["origin"].map({label: rank for rank, label in enumerate(present)})
    order = [patient for patient in data.patients if patient in set(table["patient"])]
    chart = marks.stacked_shares(
        "origins",
        row="patient",
        order=order,
        part="origin",
        colours=colours,
        title=f"share of the patient's cells {UNLIKE_REFERENCE}",
    )
    title = f"Origin of the cells {UNLIKE_REFERENCE}"
    return Figure("origins", [Panel(title, chart)], {"origins": table}, colours)


def qc(data: ReportData) -> Figure:
    """Cells passed or the reason why not, and the quantiles of counts, genes and mitochondrial share by sample."""
    outcomes = data.qc_outcomes.rename(columns={"sample_id": "sample", "verdict": "outcome", "n_cells": "n"})
    outcomes = _fold_rare(outcomes)
    order = [sample for sample in data.samples["sample_id"] if sample in set(outcomes["sample"])]
    reasons = sorted(set(outcomes["outcome"]) - {"passed"})
    colours = {"passed": ACCENT, **dict(zip(reasons, _REASONS, strict=False))}
    outcomes["rank"] = outcomes["outcome"].map({name: rank for rank, name in enumerate(colours)})
    outcomes["share"] = outcomes["n"] / outcomes.groupby("sample")["n"].transform("sum")
    quantiles = data.qc_quantiles.rename(columns={"sample_id": "sample"})
    shares = marks.stacked_shares(
        "outcomes", row="sample", order=order, part="outcome", colours=colours, title="share of the sample's cells"
    )
    panels = [Panel("Cells passed, or why not", shares)]
    frames = {"outcomes": outcomes}
    for metric, title, log in (
        ("n_counts", "counts per cell", True),
        ("n_genes", "genes per cell", True),
        ("mito_share", "mitochondrial share of a cell's counts", False),
    ):
        frames[metric] = quantiles[quantiles["metric"] == metric].drop(columns="metric")
        if log:
            frames[metric] = frames[metric].query("low > 0")
        chart = marks.quantile_ranges(metric, row="sample", order=order, title=title, log=log)
        panels.append(Panel(title.capitalize(), chart))
    return Figure("qc", panels, frames, colours)


def coverage(data: ReportData, *, min_share: float) -> Figure:
    """How the vocabulary's genes were found in each sample."""
    table = data.coverage.rename(columns={"sample_id": "sample", "n_genes": "n"})
    table["share"] = table["n"] / table.groupby("sample")["n"].transform("sum")
    colours = {name: colour for name, colour in _MATCHES.items() if name in set(table["match"])}
    table["rank"] = table["match"].map({name: rank for rank, name in enumerate(_MATCHES)})
    bars = marks.stacked_shares(
        "coverage",
        row="sample",
        order=data.samples["sample_id"].tolist(),
        part="match",
        colours=colours,
        title="share of the model's genes",
    )
    least = alt.Chart(marks.named("coverage")).mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(min_share))
    return Figure("coverage", [Panel("Genes found, by sample", alt.layer(bars, least))], {"coverage": table}, colours)


def _fold_rare(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes with all but the most frequent reasons as "other"."""
    reasons = outcomes[outcomes["outcome"] != "passed"].groupby("outcome")["n"].sum()
    rare = set(reasons.sort_values(ascending=False, kind="stable").index[len(_REASONS) - 1 :])
    names = outcomes["outcome"].where(~outcomes["outcome"].isin(rare if len(rare) > 1 else set()), "other")
    return outcomes.assign(outcome=names).groupby(["sample", "outcome"], as_index=False, sort=True)["n"].sum()
