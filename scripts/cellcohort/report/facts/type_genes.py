"""The genes by which the model tells each type, and the gene sets among them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..report_data import ReportData

MOST_Q = 0.05  # of a gene set that is named
_NAMED, _SETS = 12, 3


@dataclass(frozen=True)
class TypeGenes:
    """A type, the cells that got its label, its highest genes by score and workspace, and its first gene sets."""

    label: str
    n_cells: int
    genes: list[str]
    attended: list[str]
    gene_sets: list[str]


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
        )
        for label, part in data.gene_scores.groupby("label", sort=True)
    ]


def highest_genes(scores: pd.DataFrame, column: str, number: int) -> list[str]:
    """Symbols of the `number` genes of the highest value in `column`, ties by name."""
    return scores.sort_values([column, "symbol"], ascending=[False, True])["symbol"].head(number).tolist()
