"""Origins of a patient's OOD cells: the reference types that they resemble most, with the evidence side by side."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..report_data import NONE_FITS, ReportData

_GENES, _SETS = 8, 5
Names = dict[tuple[str, str], list[str]]  # by patient and origin


@dataclass(frozen=True)
class Origin:
    """One reference type that OOD cells of a patient resemble most, or `NONE_FITS`.

    Attributes
    ----------
    n, share, low, high
        OOD cells of that origin; their share of the patient's OOD cells, and its 95 % interval over cells.
    margin
        Median over these cells: by how many standard deviations the type suits better than the next one.
    n_aneuploid, n_undetermined, aneuploid_share, arms
        Copy-number calls of these cells and the arms that most of the aneuploid ones carry; None without copy number.
    gained, lost, sets_gained, sets_lost
        Genes and gene sets that malignant and unexplained cells of that origin have more and less often than expected
        of the type.
    """

    name: str
    n: int
    share: float
    low: float
    high: float
    margin: float
    n_aneuploid: int | None
    n_undetermined: int | None
    aneuploid_share: float | None
    arms: str | None
    gained: list[str]
    lost: list[str]
    sets_gained: list[str]
    sets_lost: list[str]

    @property
    def fits(self) -> bool:
        """Whether it is a type of the reference."""
        return self.name != NONE_FITS


def patient_origins(data: ReportData) -> dict[str, list[Origin]]:
    """The origins of each patient that has OOD cells, the most frequent first."""
    calls = {}
    if data.cnv_origins is not None:
        table = data.cnv_origins.astype(object).where(data.cnv_origins.notna(), None)
        calls = {(row["patient_id"], row["origin"]): row for row in table.to_dict("records")}
    gained, lost = _genes(data.origin_genes, 1), _genes(data.origin_genes, -1)
    sets_gained, sets_lost = (_gene_sets(data.origin_gene_sets, direction) for direction in ("gained", "lost"))
    found: dict[str, list[Origin]] = {}
    for row in data.origins.to_dict("records"):
        key = row["patient_id"], row["origin"]
        called = calls.get(key, {})
        origin = Origin(
            name=row["origin"],
            n=row["n_cells"],
            share=row["share"],
            low=row["low"],
            high=row["high"],
            margin=row["margin"],
            n_aneuploid=called.get("n_aneuploid"),
            n_undetermined=called.get("n_undetermined"),
            aneuploid_share=called.get("aneuploid_share"),
            arms=called.get("arms"),
            gained=gained.get(key, []),
            lost=lost.get(key, []),
            sets_gained=sets_gained.get(key, []),
            sets_lost=sets_lost.get(key, []),
        )
        found.setdefault(row["patient_id"], []).append(origin)
    return found


def _genes(ranked: pd.DataFrame, sign: int) -> Names:
    """The first genes in one direction."""
    return _listed(ranked[(sign * ranked["rank"]).between(1, _GENES)], "symbol")


def _gene_sets(sets: pd.DataFrame, direction: str) -> Names:
    first = sets[sets["direction"] == direction].sort_values(["pvalue", "gene_set"])
    return _listed(first.groupby(["patient_id", "origin"]).head(_SETS), "gene_set")


def _listed(table: pd.DataFrame, column: str) -> Names:
    return table.groupby(["patient_id", "origin"])[column].agg(list).to_dict()
