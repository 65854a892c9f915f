"""Assign placed genes to chromosome arms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..core.errors import InputError
from ..inputs.genome_files import is_centromere
from .positions import chromosome_names

_MIN_ARM_GENES = 20


@dataclass(frozen=True)
class ArmLayout:
    """The placed genes by chromosome arm.

    Attributes
    ----------
    arm
        (n_genes,) number of each gene's arm, -1 where it lies on none or on an arm of fewer than 20 genes.
    names
        The arms' names in genome order; p and q are written 1p, 1q, any other name stands as it is.
    covariates
        (n_genes, 2) ranks, -1 to 1, of the gene's length and of the number of genes within 1 Mb. Expression follows
        both with the quality of a cell, and gene-dense arms (19p, 19q) would look altered.
    """

    arm: np.ndarray
    names: list[str]
    covariates: np.ndarray

    @property
    def n_arms(self) -> int:
        return len(self.names)

    def halves(self) -> tuple[ArmLayout, ArmLayout]:
        """Two layouts that each hold every second gene of every arm."""
        even = np.zeros(len(self.arm), dtype=bool)
        for index in range(self.n_arms):
            even[np.flatnonzero(self.arm == index)[1::2]] = True
        return (
            replace(self, arm=np.where(even, -1, self.arm)),
            replace(self, arm=np.where(even, self.arm, -1)),
        )


def lay_out_arms(genes: pd.DataFrame, arms: pd.DataFrame) -> ArmLayout:
    """Assign placed genes to chromosome arms by their midpoint.

    Parameters
    ----------
    genes
        From :func:`place_genes`.
    arms
        Table chromosome (or chr), arm, start, end. Rows called centromere are skipped.

    Raises
    ------
    InputError
        If a column of `arms` is missing.
    """
    table = arms.rename(columns={"chr": "chromosome"})
    absent = {"chromosome", "arm", "start", "end"} - set(table.columns)
    if absent:
        raise InputError(f"chromosome arms: columns: {', '.join(sorted(absent))} missing. Name them so.")
    table = table[~table["arm"].map(is_centromere).astype(bool)]
    table = table.assign(chromosome=chromosome_names(table["chromosome"]))
    middle = ((genes["start"] + genes["end"]) / 2).to_numpy()
    index = np.full(len(genes), -1)
    names: list[str] = []
    for chromosome in dict.fromkeys(genes["chromosome"]):
        for row in table[table["chromosome"] == chromosome].sort_values("start").itertuples():
            inside = (genes["chromosome"] == chromosome).to_numpy() & (middle >= row.start) & (middle < row.end)
            if inside.sum() >= _MIN_ARM_GENES:
                index[inside] = len(names)
                names.append(f"{chromosome[3:]}{row.arm}" if str(row.arm) in ("p", "q") else str(row.arm))
    return ArmLayout(index, names, _covariates(genes))


def _covariates(genes: pd.DataFrame) -> np.ndarray:
    """Ranks of gene length and gene density."""
    density = np.zeros(len(genes))
    for rows in genes.groupby("chromosome", sort=False).indices.values():
        start = np.sort(genes["start"].to_numpy()[rows])
        here = genes["start"].to_numpy()[rows]
        density[rows] = np.searchsorted(start, here + 1e6, "right") - np.searchsorted(start, here - 1e6)
    length = (genes["end"] - genes["start"]).to_numpy()
    return np.column_stack([pd.Series(value).rank(pct=True).to_numpy() * 2 - 1 for value in (length, density)])
