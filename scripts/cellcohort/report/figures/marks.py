"""The few kinds of chart that the report's figures are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from .palette import ACCENT, GAIN, LOSS, QUIET
from .panels import Chart

ROW = 20
LOG_TICKS = [factor * 10**power for power in range(7) for factor in (1, 3)]
TALL = 25
_LONG_NAME = 340  # pixels


def named(name: str) -> alt.NamedData:
    """Data that the figure hands over by name."""
    return alt.NamedData(name=name)


def axis(n_rows: int, **options) -> alt.Axis:
    """An x axis; on top of a chart that is too tall to be seen as a whole."""
    return alt.Axis(orient="top" if n_rows > TALL else "bottom", **options)


def rows(field: str, order: Sequence[str] | None, *, labels: bool = True) -> alt.Y:
    """A row for each value, in a fixed order or (None) in that of the data."""
    names = alt.Axis(title=None) if labels else None
    if order is None:
        return alt.Y(f"{field}:N", sort=None, axis=alt.Axis(title=None, labelLimit=_LONG_NAME))
    return alt.Y(f"{field}:N", sort=list(order), axis=names, scale=alt.Scale(domain=list(order)))


def stacked_shares(
    data: str, *, row: str, order: Sequence[str], part: str, colours: Mapping[str, str], title: str
) -> alt.Chart:
    """Bars of length 1, cut into the shares of `part`; the data hold share, n_cells and rank (place in the bar)."""
    return (
        alt.Chart(named(data), height=ROW * max(1, len(order)))
        .mark_bar()
        .encode(
            x=alt.X(
                "share:Q",
                stack="zero",
                title=title,
                axis=axis(len(order), format=".0%", tickCount=5),
                scale=alt.Scale(domain=[0, 1]),
            ),
            y=rows(row, order),
            color=alt.Color(f"{part}:N", scale=alt.Scale(domain=list(colours), range=list(colours.values()))),
            order=alt.Order("rank:Q"),
            tooltip=[
                f"{row}:N",
                f"{part}:N",
                alt.Tooltip("share:Q", format=".1%", title=title),
                alt.Tooltip("n:Q", format=","),
            ],
        )
    )


def quantile_ranges(
    data: str, *, row: str, order: Sequence[str], title: str, log: bool = False, labels: bool = True, **scale
) -> Chart:
    """For each row a line from the 5 % to the 95 % quantile, a bar over the middle half and a tick at the median."""
    ticks = {"format": "~s", "values": LOG_TICKS} if log else {"tickCount": 4}
    ruler = axis(len(order), title=title, labelOverlap=True, **ticks)
    x = alt.X("low:Q", axis=ruler, scale=alt.Scale(type="log" if log else "linear", nice=True, **scale))
    y = rows(row, order, labels=labels)
    tooltip = [
        f"{row}:N",
        *(alt.Tooltip(f"{name}:Q", format=",.3~f") for name in ("low", "q1", "median", "q3", "high")),
    ]
    base = alt.Chart(named(data), height=ROW * max(1, len(order)))
    return alt.layer(
        base.mark_rule(opacity=0.55).encode(x=x, x2="high:Q", y=y, tooltip=tooltip),
        base.mark_bar(color=ACCENT, opacity=0.75, height={"band": 0.5}).encode(
            x=alt.X("q1:Q", axis=ruler), x2="q3:Q", y=y, tooltip=tooltip
        ),
        base.mark_tick(color="white", thickness=2, bandSize=9).encode(
            x=alt.X("median:Q", axis=ruler), y=y, tooltip=tooltip
        ),
    )


def share_heatmap(
    data: str, *, row: str, column: str, row_order: Sequence[str], column_order: Sequence[str], titles: tuple[str, str]
) -> Chart:
    """Row-wise shares as the strength of one colour, with the number where the cell is wide enough for it."""
    base = alt.Chart(named(data), height=26 * max(1, len(row_order))).encode(
        x=alt.X(f"{column}:N", sort=list(column_order), title=titles[1], axis=alt.Axis(labelAngle=-35)),
        y=alt.Y(f"{row}:N", sort=list(row_order), title=titles[0]),
        tooltip=[
            f"{row}:N",
            f"{column}:N",
            alt.Tooltip("share:Q", format=".1%", title="share of the true type's cells"),
            alt.Tooltip("n:Q", format=","),
        ],
    )
    strength = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.03, 1]), legend=None)
    text = alt.Text("share:Q", format=".0%")
    numbers = [
        base.mark_text().encode(text=text).transform_filter("datum.share >= 0.005 && datum.share <= 0.5"),
        base.mark_text(color="white").encode(text=text).transform_filter("datum.share > 0.5"),
    ]
    few = len(column_order) <= 12
    return alt.layer(base.mark_rect(color=ACCENT).encode(opacity=strength), *(numbers if few else []))


def gene_heatmap(data: str, *, value: str, symbols: Sequence[str], labels: Sequence[str], colour: str) -> alt.Chart:
    """Genes in rows and types in columns: the stronger the colour, the larger `value` (0 to 1)."""
    strength = alt.Opacity(f"{value}:Q", scale=alt.Scale(domain=[0, 1], range=[0.03, 1]), legend=None)
    numbers = [
        alt.Tooltip("score:Q", format="+.3f"),
        alt.Tooltip("detected:Q", format=".0%", title="share of the type's cells that have it"),
    ]
    return (
        alt.Chart(named(data), height=15 * max(1, len(symbols)))
        .mark_rect(color=colour)
        .encode(
            x=alt.X("label:N", sort=list(labels), title=None, axis=axis(len(symbols), labelAngle=-35)),
            y=rows("symbol", symbols),
            opacity=strength,
            tooltip=["symbol:N", "label:N", *numbers],
        )
    )


def signed_heatmap(
    data: str,
    *,
    row: str,
    column: str,
    row_order: Sequence[str] | None,
    column_order: Sequence[str],
    details: Mapping[str, str],
) -> Chart:
    """Gains in red and losses in blue (`called`), stronger the larger `strength` (0 to 1); grey where it is 0, with a
    sign where `both` happened.

    `details` are further columns for the tooltip, with their formats. Without `row_order` rows stand as in the data.
    """
    height = alt.Step(ROW) if row_order is None else ROW * max(1, len(row_order))
    base = alt.Chart(named(data), height=height).encode(
        x=alt.X(
            f"{column}:N",
            sort=list(column_order),
            title="chromosome arm",
            axis=axis(len(row_order or ()), labelAngle=-90),
        ),
        y=rows(row, row_order),
        tooltip=[
            f"{row}:N", f"{column}:N", "called:N",
            *(alt.Tooltip(f"{name}:Q", format=style) for name, style in details.items()),
        ],
    )  # fmt: skip
    called = base.transform_filter("datum.strength > 0").mark_rect()
    return alt.layer(
        base.mark_rect(color=QUIET, opacity=0.1),
        called.encode(
            color=alt.condition("datum.called == 'gain'", alt.value(GAIN), alt.value(LOSS)),
            opacity=alt.Opacity("strength:Q", scale=alt.Scale(domain=[0, 1], range=[0.15, 1]), legend=None),
        ),
        base.transform_filter("datum.both").mark_text(text="±", fontSize=9),
    )


def estimates(
    data: str, *, row: str, order: Sequence[str], metrics: Sequence[str], colours: Mapping[str, str]
) -> Chart:
    """Points with interval lines on a scale from 0 to 1, in each row one below the other for `metrics`."""
    x = alt.X("value:Q", title=None, axis=alt.Axis(format=".1f", tickCount=5), scale=alt.Scale(domain=[0, 1]))
    y = rows(row, order)
    offset = alt.YOffset("metric:N", sort=list(metrics))
    colour = alt.Color("metric:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())))
    tooltip: list[str | alt.Tooltip] = [
        f"{row}:N", "metric:N", alt.Tooltip("value:Q", format=".3f"), alt.Tooltip("low:Q", format=".3f"),
        alt.Tooltip("high:Q", format=".3f"), alt.Tooltip("n_cells:Q", format=","),
    ]  # fmt: skip
    base = alt.Chart(named(data), height=12 * max(1, len(metrics) * len(order))).encode(
        y=y, yOffset=offset, tooltip=tooltip
    )
    return alt.layer(
        base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=alt.X("low:Q", title=None), x2="high:Q", color=colour),
        base.mark_point(filled=True, size=55, opacity=1).encode(x=x, color=colour),
    )


def lines(data: str, *, title: str, colours: Mapping[str, str], zero: bool, fmt: str) -> alt.Chart:
    """Curves over the epochs."""
    epochs = alt.Axis(tickMinStep=1, format="d", grid=False)
    return (
        alt.Chart(named(data), height=220)
        .mark_line(point={"size": 22, "filled": True}, strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=epochs, scale=alt.Scale(zero=False, nice=False)),
            y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=zero), axis=alt.Axis(format=fmt, tickCount=5)),
            color=alt.Color("curve:N", scale=alt.Scale(domain=list(colours), range=list(colours.values()))),
            tooltip=["epoch:Q", "curve:N", alt.Tooltip("value:Q", format=".4f")],
        )
    )
