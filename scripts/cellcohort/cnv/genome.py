"""Where the genes lie: chromosome names, usable genes, chromosome arms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError

# HLA genes and the rearranged or clonally expanded receptor genes change by allele and clone, not by dosage.
_NOT_DOSAGE = re.compile(r"^(HLA-|H2-|IG[HKL][VDJCAGME]|TR[ABGD][VDJC]\d*|JCHAIN$)", re.IGNORECASE)
_MIN_ARM_GENES = 20


def read_positions(path: str | Path) -> pd.DataFrame:
    """Read a table of gene positions: symbol, chromosome, start, end and, if there is one, gene_id.

    Tab-separated, or comma-separated when the name says .csv; either may be compressed. A gene without a symbol goes
    by its id. A missing column raises InputError.
    """
    table = _read_table(path, ["symbol", "chromosome", "start", "end"])
    return table.assign(symbol=table["symbol"].fillna(table["gene_id"])) if "gene_id" in table else table


def read_arms(path: str | Path) -> pd.DataFrame:
    """Read a table of chromosome arms: chromosome (or chr), arm, start, end, in the formats of gene positions."""
    table = _read_table(path, ["arm", "start", "end"]).rename(columns={"chr": "chromosome"})
    if "chromosome" not in table:
        raise InputError(f"{path}: column chromosome is missing. Name it so.")
    for column in ("start", "end"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
        if table[column].isna().any():
            line = int(np.flatnonzero(table[column].isna())[0]) + 2
            raise InputError(f"{path}: line {line}, column {column}: not a number. Give the position in base pairs.")
    return table


def _read_table(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    separator = "," if ".csv" in Path(path).suffixes else "\t"
    try:
        table = pd.read_csv(path, sep=separator, dtype=str)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: it cannot be read as a table ({error}). Correct cnv in the config.") from None
    absent = [column for column in columns if column not in table]
    if absent:
        raise InputError(f"{path}: columns: {', '.join(absent)} missing. Name them so, and separate columns by tabs.")
    return table


def chromosome_names(names: pd.Series) -> pd.Series:
    """Chromosome names with `chr` in front: 1, chr1 and CHR1 are all chr1; anything without a name is missing."""
    text = names.astype("string").str.strip()
    text = text.mask(text.str.lower().isin(["", "nan", "none", "na", "<na>"]))
    bare = text.str.replace(r"^chr(?:omosome)?_?", "", case=False, regex=True).str.replace(r"\.0$", "", regex=True)
    return "chr" + bare.str.upper().replace({"MT": "M"})


def natural_order(names: Sequence[str]) -> list[str]:
    """Chromosomes in the order 1, 2, ..., 10, ..., X."""
    return sorted(
        names,
        key=lambda name: [
            (not part.isdigit(), int(part) if part.isdigit() else 0, part.lower()) for part in re.split(r"(\d+)", name)
        ],
    )


def place_genes(
    symbols: Sequence[str], positions: pd.DataFrame, *, exclude_chromosomes: Sequence[str] = ("chrX", "chrY")
) -> pd.DataFrame:
    """Place the genes that copy number can be read from.

    Genes without a position, on contigs, on the mitochondrion or on `exclude_chromosomes` are left out. So are HLA,
    immunoglobulin and T-cell receptor genes: their counts follow allele and clone, not dosage.

    Parameters
    ----------
    symbols
        Gene symbols, one for each column of the matrix.
    positions
        Table with the columns symbol, chromosome (with or without `chr`), start, end; rows with a missing value are
        skipped, the first row of a symbol counts.

    Returns
    -------
    DataFrame with column (index into `symbols`), symbol, chromosome, start, end in the order of chromosome, start and
    symbol.

    Raises
    ------
    InputError
        If a column of `positions` is missing.
    """
    absent = {"symbol", "chromosome", "start", "end"} - set(positions.columns)
    if absent:
        raise InputError(f"gene positions: columns: {', '.join(sorted(absent))} missing. Name them so.")
    table = positions[["symbol", "chromosome", "start", "end"]].copy()
    table["chromosome"] = chromosome_names(table["chromosome"])
    table[["start", "end"]] = table[["start", "end"]].apply(pd.to_numeric, errors="coerce")
    dropped = set(chromosome_names(pd.Series(list(exclude_chromosomes), dtype=object)))
    known = table["chromosome"].str.fullmatch(r"chr(\d+[A-Z]?|X|Y|Z|W)").fillna(False).astype(bool)
    table = table[known & ~table["chromosome"].isin(dropped)].dropna().drop_duplicates("symbol")
    genes = pd.DataFrame({"column": np.arange(len(symbols)), "symbol": np.asarray(symbols, dtype=object)})
    genes = genes[~genes["symbol"].astype(str).str.match(_NOT_DOSAGE)].merge(table, on="symbol")
    rank = {name: i for i, name in enumerate(natural_order(genes["chromosome"].unique()))}
    order = genes.assign(rank=genes["chromosome"].map(rank)).sort_values(["rank", "start", "symbol", "column"])
    return order.drop(columns="rank").reset_index(drop=True)


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
    table = table[~table["arm"].astype(str).str.lower().str.startswith(("cen", "acen"))]
    table = table.assign(chromosome=chromosome_names(table["chromosome"]))
    middle = ((genes["start"] + genes["end"]) / 2).to_numpy()
    index, names = np.full(len(genes), -1), []
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
