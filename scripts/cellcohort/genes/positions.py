"""Place genes on the genome: chromosome names and their order, and the genes that copy number can be read from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from natsort import natsorted, ns

from ..core.errors import InputError
from ..inputs.genome_files import KNOWN_CHROMOSOME, chromosome_name

# HLA genes and the rearranged or clonally expanded receptor genes change by allele and clone, not by dosage.
_NOT_DOSAGE = re.compile(r"^(HLA-|H2-|IG[HKL][VDJCAGME]|TR[ABGD][VDJC]\d*|JCHAIN$)", re.IGNORECASE)


def chromosome_names(names: pd.Series) -> pd.Series:
    """Chromosome names with `chr` in front: 1, chr1 and CHR1 are all chr1; anything without a name is missing."""
    return pd.Series([chromosome_name(name) for name in names], index=names.index, dtype="string", name=names.name)


def genome_order(names: Iterable[str]) -> list[str]:
    """Chromosomes, or arms, in the order 1, 2, ..., 10, ..., X."""
    return natsorted(names, alg=ns.IGNORECASE)


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
    known = table["chromosome"].str.fullmatch(KNOWN_CHROMOSOME.pattern).fillna(False).astype(bool)
    table = table[known & ~table["chromosome"].isin(dropped)].dropna().drop_duplicates("symbol")
    genes = pd.DataFrame({"column": np.arange(len(symbols)), "symbol": np.asarray(symbols, dtype=object)})
    genes = genes[~genes["symbol"].astype(str).str.match(_NOT_DOSAGE)].merge(table, on="symbol")
    rank = {name: i for i, name in enumerate(genome_order(genes["chromosome"].unique()))}
    order = genes.assign(rank=genes["chromosome"].map(rank)).sort_values(["rank", "start", "symbol", "column"])
    return order.drop(columns="rank").reset_index(drop=True)
