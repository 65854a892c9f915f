"""The species that the names of a file's genes tell, and whether the sheet says another."""

from __future__ import annotations

from functools import cache

import pandas as pd

from ..inputs.resources import GENOMES, gene_positions

_BY_PREFIX = {"ENS": "human", "ENSMUS": "mouse"}
_FEWEST = 20
_CLEARLY = 1.25


def named_species(genes: pd.DataFrame) -> str | None:
    """human or mouse, the prefix of another species' Ensembl ids (ENSRNO), or None where the names do not tell.

    Ids decide where most genes have one. Symbols are spelled in capitals in human, with a capital in front in mouse;
    spelling alone is not believed where clearly more of the symbols are those of the other genome.

    Parameters
    ----------
    genes
        `Counts.genes`: symbol and gene_id.
    """
    ids = genes["gene_id"].dropna().astype(str)
    if len(ids) and 2 * len(ids) >= len(genes):
        prefixes = ids.str.extract(r"^(ENS[A-Z]*?)G\d+", expand=False).value_counts(normalize=True)
        if prefixes.iloc[0] > 0.5:
            return _BY_PREFIX.get(prefixes.index[0], prefixes.index[0])
    symbols = genes.loc[genes["gene_id"].isna(), "symbol"].astype(str)
    symbols = symbols[symbols.str.contains(r"[A-Za-z]{2}")]
    if len(symbols) < _FEWEST:
        return None
    capitals = symbols.str.upper()
    in_capitals, mixed = symbols == capitals, (symbols != capitals) & (symbols != symbols.str.lower())
    if max(in_capitals.mean(), mixed.mean()) <= 0.5:
        return None
    n_human = capitals.isin(_symbols("human").str.upper()).sum()
    if mixed.mean() > 0.5:
        return "human" if n_human > _CLEARLY * symbols.isin(_symbols("mouse")).sum() else "mouse"
    return "mouse" if capitals.isin(_symbols("mouse").str.upper()).sum() > _CLEARLY * n_human else "human"


def species_conflict(genes: pd.DataFrame, vocabulary: pd.DataFrame, species: str) -> str | None:
    """A sentence when the genes' names are not those of `species`, the sheet's; None when they may be.

    A vocabulary of the same species, when it is not human, is no conflict: names are then matched as they are.
    """
    found = named_species(genes)
    if found in (None, species) or (found != "human" and found == named_species(vocabulary)):
        return None
    shown = ", ".join(genes["gene_id"].fillna(genes["symbol"]).astype(str)[:3])
    if found not in GENOMES:
        return f"its Ensembl ids ({shown}) are neither of human nor of mouse genes. Name them by human orthologs."
    return (
        f"its genes are named as those of {found} are ({shown}), and the sheet says species {species}. Set species = "
        f"{found} for this sample, or name the genes by another column (`genes`)."
    )


@cache
def _symbols(species: str) -> pd.Series:
    return gene_positions(GENOMES[species])["symbol"]
