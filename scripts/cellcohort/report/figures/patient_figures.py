"""The figures about the patients."""

from __future__ import annotations

import altair as alt
import pandas as pd

from ..report_data import FOREIGN, ReportData, histogram_quantiles, patient_composition
from . import marks
from .palette import ACCENT, OOD, QUIET, label_colours
from .panels import Figure, Panel

_MATCHES = {
    "id": "#0072B2", "symbol": "#56B4E9", "alias": "#009E73", "ortholog": "#CC79A7", "missing": QUIET,
}  # fmt: skip
_VERDICTS = ("#E69F00", "#CC79A7", "#56B4E9", "#AA4499", "#999933", "#44AA99")


def composition(data: ReportData) -> Figure:
    """Types of each patient's cells, with those the reference does not explain apart."""
    table = patient_composition(data)
    present = [label for label in [*data.labels, FOREIGN] if label in set(table["label"])]
    colours = _with_foreign(data, present)
    table["rank"] = table["label"].map({label: rank for rank, label in enumerate(colours)})
    chart = marks.stacked_shares(
        "composition", row="patient", order=data.patients, part="label", colours=colours, title="share of the cells"
    )
    return Figure("composition", [Panel("Cell types by patient", chart)], {"composition": table}, colours)


def ood(data: ReportData, *, alpha: float) -> Figure:
    """Share of OOD cells by sample against alpha, and confidence by patient."""
    shares = data.ood.query("n_cells > 0").rename(columns={"sample_id": "sample", "ood_share": "share"})
    order = shares["sample"].tolist()
    bars = alt.Chart(marks.named("ood"), height=marks.ROW * max(1, len(order))).mark_bar(color=OOD)
    bars = bars.encode(
        x=alt.X(
            "share:Q",
            title="share of the cells",
            axis=marks.axis(len(order), format=".0%", tickCount=5),
            scale=alt.Scale(domain=[0, 1]),
        ),
        y=marks.rows("sample", order),
        tooltip=["sample:N", alt.Tooltip("share:Q", format=".1%"), alt.Tooltip("n_ood:Q", format=",")],
    )
    expected = alt.Chart(marks.named("ood")).mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(alpha))
    confidence = histogram_quantiles(data.confidence).rename_axis("patient").reset_index()
    patients = [patient for patient in data.patients if patient in set(confidence["patient"])]
    ranges = marks.quantile_ranges(
        "confidence", row="patient", order=patients, title="calibrated probability", domain=[0, 1]
    )
    return Figure(
        "ood",
        [Panel("OOD cells by sample", alt.layer(bars, expected)), Panel("Confidence of the label by patient", ranges)],
        {"ood": shares[["sample", "share", "n_ood"]], "confidence": confidence},
    )


def origins(data: ReportData) -> Figure:
    """Reference types that the OOD cells of each patient lie nearest to."""
    table = data.origins.rename(columns={"patient_id": "patient", "n_cells": "n"})
    present = [label for label in data.labels if label in set(table["origin"])]
    colours = {label: colour for label, colour in label_colours(data.labels).items() if label in present}
    colours = {label: colours[label] for label in present}
    table["rank"] = table["origin"].map({label: rank for rank, label in enumerate(present)})
    order = [patient for patient in data.patients if patient in set(table["patient"])]
    chart = marks.stacked_shares(
        "origins", row="patient", order=order, part="origin", colours=colours, title="share of the OOD cells"
    )
    return Figure("origins", [Panel("Nearest reference type of the OOD cells", chart)], {"origins": table}, colours)


def qc(data: ReportData) -> Figure:
    """Verdicts, and the quantiles of counts, genes and mitochondrial share by sample."""
    verdicts = data.qc_verdicts.rename(columns={"sample_id": "sample", "n_cells": "n"})
    verdicts = _fold_rare(verdicts)
    order = [sample for sample in data.samples["sample_id"] if sample in set(verdicts["sample"])]
    reasons = sorted(set(verdicts["verdict"]) - {"passed"})
    colours = {"passed": ACCENT, **dict(zip(reasons, _VERDICTS, strict=False))}
    verdicts["rank"] = verdicts["verdict"].map({name: rank for rank, name in enumerate(colours)})
    verdicts["share"] = verdicts["n"] / verdicts.groupby("sample")["n"].transform("sum")
    quantiles = data.qc_quantiles.rename(columns={"sample_id": "sample"})
    shares = marks.stacked_shares(
        "verdicts", row="sample", order=order, part="verdict", colours=colours, title="share of the cells"
    )
    panels = [Panel("Cells passed, or why not", shares)]
    frames = {"verdicts": verdicts}
    for metric, title, log in (
        ("n_counts", "counts per cell", True),
        ("n_genes", "genes per cell", True),
        ("mito_share", "mitochondrial share", False),
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


def _with_foreign(data: ReportData, labels: list[str]) -> dict[str, str]:
    colours = {**label_colours(data.labels), FOREIGN: OOD}
    return {label: colours[label] for label in labels}


def _fold_rare(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The verdicts with all but the most frequent reasons as "other"."""
    reasons = verdicts[verdicts["verdict"] != "passed"].groupby("verdict")["n"].sum()
    rare = set(reasons.sort_values(ascending=False, kind="stable").index[len(_VERDICTS) - 1 :])
    names = verdicts["verdict"].where(~verdicts["verdict"].isin(rare if len(rare) > 1 else set()), "other")
    return verdicts.assign(verdict=names).groupby(["sample", "verdict"], as_index=False, sort=True)["n"].sum()
