"""Selection of the vocabulary, the ordered genes that a model knows: highly variable genes, then extra ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..core.errors import InputError
from ..inputs.counts import Counts
from ..inputs.resources import one_gene_per_symbol
from ..outputs.schemas import VOCABULARY
from .alignment import align_genes
from .highly_variable import rank_genes, standardised_variance
from .non_gene_rows import non_genes

MOST_GENES = 65_535
"""Token ids are stored as uint16."""


log = logging.getLogger(__name__)


def select_vocabulary(
    counts: Counts,
    rows: np.ndarray,
    donors: np.ndarray | None,
    *,
    n_genes: int,
    extra_genes: Sequence[str] = (),
    positions: pd.DataFrame,
    aliases: pd.DataFrame,
) -> pd.DataFrame:
    """Highly variable genes of the reference and, after them, the extra genes.

    The order is that of variability (extra genes: that of the config), so it depends on neither the order of cells nor
    that of genes. A symbol is taken once; rows that are no genes (spike-ins, antibodies) are never highly variable.
    Genes keep the reference's own symbol; ids and places are joined from `positions`, for old symbols through
    `aliases`.

    Parameters
    ----------
    counts
        The reference. Log-normalised and normalised values are ranked by `standardised_variance`'s alternative.
    rows
        Sorted row numbers of the labelled cells.
    donors
        Donor of each of `rows`, or None. Each donor is a batch.
    n_genes
        Highly variable genes; fewer when fewer vary.
    positions, aliases
        `resources.gene_positions(...)`, `resources.gene_aliases()`.

    Returns
    -------
    In schemas.VOCABULARY.

    Raises
    ------
    InputError
        When fewer than two cells are given, no gene varies, an extra gene is not in the reference, or more genes are
        asked for than token ids can number.
    """
    if len(rows) < 2:
        raise InputError(f"{counts.path}: {len(rows)} labelled cells. A reference needs thousands; check its labels.")
    if n_genes + len(extra_genes) > MOST_GENES:
        raise InputError(
            f"config: vocabulary: n_genes {n_genes} and {len(extra_genes)} extra_genes are more than the {MOST_GENES} "
            "genes that a model can hold. Lower n_genes."
        )
    named = describe_genes(counts.genes, positions, aliases)
    variance = standardised_variance(counts, rows, donors)
    variance[:, non_genes(counts.genes["symbol"])] = 0
    ranked = rank_genes(variance, n_genes, _sort_keys(named))
    if not ranked.size:
        raise InputError(f"{counts.path}: no gene varies between cells. Give a reference with expression values.")
    symbols = named["symbol"].to_numpy()
    _, first = np.unique(symbols[ranked], return_index=True)
    chosen = [int(gene) for gene in ranked[np.sort(first)][:n_genes]]
    chosen += _extra(counts, named, extra_genes, aliases)
    table = named.iloc[list(dict.fromkeys(chosen))].drop_duplicates("symbol").reset_index(drop=True)
    log.info("%d genes from %d cells (%s); %d have a place", len(table), len(rows), counts.kind, table["start"].count())
    table["gene_id"] = table["gene_id"].where(~table["gene_id"].duplicated(), None)
    return table.assign(token_id=np.arange(len(table), dtype=np.int32))[VOCABULARY.names]


def describe_genes(genes: pd.DataFrame, positions: pd.DataFrame, aliases: pd.DataFrame) -> pd.DataFrame:
    """`genes` with missing ids filled, symbols for bare ids, and chromosome, start and end (None where unknown)."""
    symbols = one_gene_per_symbol(positions).set_index("symbol")["gene_id"]
    own = genes["symbol"]
    current = own.str.upper().map(aliases.drop_duplicates("alias", keep=False).set_index("alias")["symbol"])
    found = own.map(symbols).fillna(current.map(symbols))
    taken = found.isin(genes["gene_id"].dropna()) | (own.map(symbols).isna() & found.isin(own.map(symbols)))
    gene_id = genes["gene_id"].fillna(found.where(~taken))
    table = positions.set_index("gene_id")
    bare = own == genes["gene_id"]
    place = {name: gene_id.map(table[name]) for name in ("chromosome", "start", "end")}
    named = pd.DataFrame({"gene_id": gene_id, "symbol": gene_id.map(table["symbol"]).where(bare).fillna(own), **place})
    named = named.astype({"start": "Int64", "end": "Int64"}).astype({"gene_id": object, "chromosome": object})
    return named.where(named.notna(), None) if named.isna().to_numpy().any() else named


def _sort_keys(named: pd.DataFrame) -> np.ndarray:
    return (named["symbol"] + "\t" + named["gene_id"].fillna("")).to_numpy(str)


def _extra(counts: Counts, named: pd.DataFrame, wanted: Sequence[str], aliases: pd.DataFrame) -> list[int]:
    """The reference's genes that the config names by symbol, id, previous or alias symbol."""
    if not wanted:
        return []
    ids = pd.Series(wanted, dtype=object).str.extract(r"^(ENS[A-Z]{0,6}G\d{11})", expand=False)
    asked = pd.DataFrame(
        {"token_id": np.arange(len(wanted)), "gene_id": ids.astype(object).where(ids.notna(), None), "symbol": wanted}
    )
    alignment = align_genes(named[["symbol", "gene_id"]], asked, aliases)
    unknown = [name for name, match in zip(wanted, alignment.table["match"], strict=True) if match == "missing"]
    if unknown:
        raise InputError(
            f"config: vocabulary.extra_genes: {', '.join(unknown)} not among the genes of {counts.path}. "
            "Correct the names or leave them out."
        )
    first = {token: gene for gene, token in reversed(list(enumerate(alignment.target)))}
    return [first[token] for token in range(len(wanted))]
