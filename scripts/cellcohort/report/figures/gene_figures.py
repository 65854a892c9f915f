"""The figure of the genes of the highest score of each type."""

from __future__ import annotations

from ..facts.type_genes import highest_genes
from ..report_data import ReportData
from . import marks
from .palette import ACCENT
from .panels import Figure, Panel

_DRAWN = 5


def genes(data: ReportData) -> Figure:
    """The first genes of each type in all types: score, beside the share of cells that have the gene."""
    table = data.gene_scores
    first = [highest_genes(part, "score", _DRAWN) for _, part in table.groupby("label", sort=True)]
    symbols = list(dict.fromkeys(symbol for part in first for symbol in part))
    frame = table[table["symbol"].isin(symbols)][["label", "symbol", "score", "detected"]]
    highest = frame.groupby("symbol")["score"].transform("max")
    frame = frame.assign(strength=(frame["score"] / highest.where(highest > 0, 1)).clip(0, 1).round(3))
    labels = sorted(set(frame["label"]))
    titles = {"strength": "Score, by gene", "detected": "Share of the type's cells that have the gene"}
    panels = [
        Panel(title, marks.gene_heatmap("genes", value=value, symbols=symbols, labels=labels, colour=ACCENT))
        for value, title in titles.items()
    ]
    return Figure("genes", panels, {"genes": frame})
