"""The genes by which the model tells each type, and the gene sets among them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from . import marks
from .figure import Figure, Panel
from .inputs import ReportData
from .palette import ACCENT

_NAMED, _DRAWN, _SETS = 12, 5, 3
_Q = 0.05


@dataclass(frozen=True)
class TypeGenes:
    """A type, the cells that got its label, its genes of the highest score and attention, and its first gene sets."""

    label: str
    n_cells: int
    genes: list[str]
    attended: list[str]
    gene_sets: list[str]


def type_genes(data: ReportData) -> list[TypeGenes]:
    """A `TypeGenes` for each label, by name."""
    sets = data.enrichment
    sets = sets[(sets["level"] == "gene score") & (sets["qvalue"] <= _Q) & (sets["auc"] > 0.5)]
    named = sets.sort_values(["qvalue", "gene_set"]).groupby("label")["gene_set"].agg(lambda names: list(names[:_SETS]))
    return [
        TypeGenes(
            label,
            int(part["n_cells"].max()),
            _first(part, "score")["symbol"].head(_NAMED).tolist(),
            _first(part, "attention")["symbol"].head(_NAMED).tolist(),
            named.get(label, []),
        )
        for label, part in data.gene_scores.groupby("label", sort=True)
    ]


def genes(data: ReportData) -> Figure:
    """The first genes of each type in all types: score, beside the share of cells that have the gene."""
    table = data.gene_scores
    first = [_first(part, "score")["symbol"].head(_DRAWN).tolist() for _, part in table.groupby("label", sort=True)]
    symbols = list(dict.fromkeys(symbol for part in first for symbol in part))
    frame = table[table["symbol"].isin(symbols)][["label", "symbol", "score", "detected"]]
    highest = frame.groupby("symbol")["score"].transform("max")
    frame = frame.assign(strength=(frame["score"] / highest.where(highest > 0, 1)).clip(0, 1).round(3))
    labels = sorted(set(frame["label"]))
    panels = [
        Panel(title, marks.gene_heatmap("genes", value=value, symbols=symbols, labels=labels, colour=ACCENT))
        for title, value in (("Score, by gene", "strength"), ("Share of the cells that have the gene", "detected"))
    ]
    return Figure("genes", panels, {"genes": frame})


def _first(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    return scores.sort_values([column, "symbol"], ascending=[False, True])
