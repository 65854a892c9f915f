"""A figure: one definition that gives the interactive specification and the static SVG."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
STATIC_POINTS = 3_000
STATIC_FONT = "Helvetica, Arial, sans-serif"
Chart = alt.Chart | alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Panel:
    """One chart of a figure.

    Attributes
    ----------
    title
        Says what is drawn.
    chart
        An Altair chart on named data (`alt.NamedData`), without width.
    canvas
        Draw on a canvas instead of as SVG: for thousands of points.
    share
        Width as a share of the row, for the page's layout and the static figure.
    legend
        Colours by text, of this panel alone.
    """

    title: str
    chart: Chart
    canvas: bool = False
    share: float = 1.0
    legend: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """Panels that share data and legend; `data` maps the names that the charts use to tables.

    The static picture of a `sampled` figure shows some of the rows.
    """

    name: str
    panels: list[Panel]
    data: dict[str, pd.DataFrame]
    legend: dict[str, str] = field(default_factory=dict)
    sampled: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(frame.empty for frame in self.data.values())

    def specs(self, *, ink: str) -> list[dict[str, Any]]:
        """The panels as Vega, as wide as the element that holds them, without their data.

        Vega-Lite is compiled here, so the page needs no compiler and draws sooner.
        """
        config = theme(ink, legend=False)
        autosize = {"type": "fit-x", "contains": "padding"}
        specs = [_spec(panel.chart.properties(width="container", autosize=autosize)) for panel in self.panels]
        return [vl_convert.vegalite_to_vega(spec | {"config": config}) for spec in specs]

    def packed_data(self) -> dict[str, dict[str, Any]]:
        """The tables by column (see `pack`)."""
        return {name: pack(frame) for name, frame in self.data.items()}

    def svg(self, *, width: int = 960) -> str:
        """The panels side by side as a static picture on white."""
        if self.is_empty:
            chart = alt.Chart(alt.InlineData(values=[{}])).mark_text(size=14).encode(text=alt.value("No cells to show"))
            return vl_convert.vegalite_to_svg(_spec(chart.properties(width=400, height=80)) | {"config": theme("#222")})
        total = sum(panel.share for panel in self.panels)
        charts = [
            panel.chart.properties(width=round(width * panel.share / total), title=panel.title) for panel in self.panels
        ]
        spec = _spec(alt.hconcat(*charts))
        frames = {name: _thin(frame) if self.sampled else frame for name, frame in self.data.items()}
        spec["datasets"] = {name: json.loads(frame.to_json(orient="records")) for name, frame in frames.items()}
        spec["config"] = theme("#222222", font=STATIC_FONT) | {"background": "white"}
        return vl_convert.vegalite_to_svg(spec)


def theme(ink: str, *, font: str = FONT, legend: bool = True) -> dict[str, Any]:
    """Vega-Lite config; `ink` colours text and lines (`currentColor` takes the page's)."""
    line = {"domainColor": ink, "tickColor": ink, "gridColor": ink, "gridOpacity": 0.12, "domainOpacity": 0.35}
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "font": font,
        "background": None,
        "view": {"stroke": None},
        "axis": {**line, **text, "tickOpacity": 0.35, "labelLimit": 200, "titlePadding": 8},
        "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
        "header": text,
        "legend": {**text, "disable": not legend, "orient": "bottom", "columns": 6, "title": None, "labelLimit": 220},
        "title": {"color": ink, "fontSize": 13, "fontWeight": 600, "anchor": "start", "offset": 10},
        "text": {"color": ink, "fontSize": 11},
        "rule": {"color": ink},
        "bar": {"discreteBandSize": {"band": 0.78}},
        "scale": {"barBandPaddingInner": 0.22},
    }


def pack(frame: pd.DataFrame) -> dict[str, Any]:
    """A table by column: numbers to four digits, repeated texts as codes into their distinct values.

    The page's script turns it back into rows; that is several times smaller than rows of JSON.
    """
    return {name: _pack_column(frame[name]) for name in frame}


def _pack_column(column: pd.Series) -> list | dict[str, list]:
    if pd.api.types.is_bool_dtype(column):
        return column.astype(int).tolist()
    if pd.api.types.is_numeric_dtype(column):
        return [_short(value) for value in column.tolist()]
    codes, values = pd.factorize(column)
    return {"values": [str(value) for value in values], "codes": codes.tolist()}


def _short(value: float) -> float | int | None:
    if isinstance(value, int):
        return value
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _thin(frame: pd.DataFrame) -> pd.DataFrame:
    """Evenly spaced rows, at most about `STATIC_POINTS`."""
    return frame.iloc[:: max(1, math.ceil(len(frame) / STATIC_POINTS))]


def _spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    spec = chart.to_dict(validate=False)
    spec.pop("$schema", None)
    spec.pop("config", None)
    return spec
