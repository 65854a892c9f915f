"""The genes by which the model tells each type, and the gene sets among them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..report_data import ReportData

MOST_Q = 0.05  # of a gene set that is named
_NAMED, _SETS, _PROGRAMS = 12, 3, 3
_MOST_CELLS = 0.5  # of a type, that use a program which is named


@dataclass(frozen=True)
class TypeGenes:
    """A type, the cells that got its label, its highest genes by score and workspace, its first gene sets, and its
    programs."""

    label: str
    n_cells: int
    genes: list[str]
    attended: list[str]
    gene_sets: list[str]
    programs: list[Program]


@dataclass(frozen=True)
class Program:
    """A slot's program for a type: its first gene set (None: none stands out) and how far it can be relied on."""

    slot: int
    gene_set: str | None
    stability: float
    coverage: float
    specificity: float


def type_genes(data: ReportData) -> list[TypeGenes]:
    """A `TypeGenes` for each label, by name."""
    sets = data.enrichment
    sets = sets[(sets["level"] == "gene score") & (sets["qvalue"] <= MOST_Q) & (sets["auc"] > 0.5)]
    named = sets.sort_values(["qvalue", "gene_set"]).groupby("label")["gene_set"].agg(lambda names: list(names[:_SETS]))
    return [
        TypeGenes(
            label,
            int(part["n_cells"].max()),
            highest_genes(part, "score", _NAMED),
            highest_genes(part, "workspace", _NAMED),
            named.get(label, []),
            _programs(data.enrichment[data.enrichment["label"] == label]),
        )
        for label, part in data.gene_scores.groupby("label", sort=True)
    ]


def _programs(sets: pd.DataFrame) -> list[Program]:
    """The most specific programs that most cells of a type use, by its rows of enrichment.parquet."""
    used = sets[(sets["level"] == "program") & (sets["coverage"] >= _MOST_CELLS) & (sets["specificity"] > 0)]
    first = used.sort_values(["pvalue", "gene_set"]).drop_duplicates("slot")
    chosen = first.sort_values(["specificity", "slot"], ascending=[False, True]).head(_PROGRAMS)
    return [
        Program(
            int(row.slot),
            row.gene_set if row.qvalue <= MOST_Q and row.auc > 0.5 else None,
            row.stability,
            row.coverage,
            row.specificity,
        )
        for row in chosen.itertuples()
    ]


def highest_genes(scores: pd.DataFrame, column: str, number: int) -> list[str]:
    """Symbols of the `number` genes of the highest value in `column`, ties by name."""
    return scores.sort_values([column, "symbol"], ascending=[False, True])["symbol"].head(number).tolist()
