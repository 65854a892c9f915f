"""Name a patient's genes alike over its files, and choose the samples whose genes are called together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..inputs.resources import gene_aliases
from .alignment import current_symbols

_MIN_SHARE = 1 / 3


@dataclass(frozen=True)
class SharedGenes:
    """The genes that files of a patient have in common.

    Attributes
    ----------
    names
        For each file the name of each gene.
    joined
        For each file, whether it is one of those that share genes.
    shared
        The genes that all joined files have, sorted.
    n_placed
        For each file the number of its genes that have a position.
    """

    names: list[np.ndarray]
    joined: list[bool]
    shared: list[str]
    n_placed: list[int]


def share_genes(
    samples: Mapping[str, pd.DataFrame], positions: pd.DataFrame, *, healthy: pd.DataFrame | None = None
) -> SharedGenes:
    """Name the genes of several files alike, and join the files that leave enough of them in common.

    The samples join in the order of their genes with a position, the most first, then the healthy reference. A file
    that would leave less than a third of the first one's is left out: a panel, or cells of another species, must not
    take the genes from the other samples. Without samples nothing hinders the reference.

    Parameters
    ----------
    samples
        `Counts.genes` by sample_id.
    positions
        Table with symbol and, if known, gene_id.
    healthy
        `Counts.genes` of the healthy reference, the last file of the result.
    """
    files = [*samples.values(), *([] if healthy is None else [healthy])]
    names = _alike([gene_names(genes, positions) for genes in files], positions)
    placed = set(positions["symbol"])
    n_placed = [len(placed.intersection(own)) for own in names]
    order = sorted(range(len(samples)), key=lambda i: (-n_placed[i], list(samples)[i]))
    most = n_placed[order[0]] if order else 0
    joined = [False] * len(files)
    shared: set[str] = set()
    for number in [*order, *range(len(samples), len(files))]:
        common = shared.intersection(names[number]) if any(joined) else set(names[number])
        if len(common & placed) >= _MIN_SHARE * most:
            joined[number], shared = True, common
    return SharedGenes(names, joined, sorted(shared), n_placed)


def gene_names(genes: pd.DataFrame, positions: pd.DataFrame) -> np.ndarray:
    """The symbol of `positions` for each gene of a file: by gene id where both know it, else by symbol.

    A symbol in other letters is taken for that of `positions`, unless one of both is a table of human genes (in
    capitals) and the other one of mouse genes (Cd3e). A gene without a position keeps its symbol.
    """
    known = pd.Series(dtype=object)
    if "gene_id" in positions:
        known = positions.dropna(subset=["gene_id"]).drop_duplicates("gene_id").set_index("gene_id")["symbol"]
    by_id = genes["gene_id"].map(known)
    names = by_id.where(by_id.notna(), genes["symbol"]).astype(str)
    wanted = positions["symbol"].dropna().astype(str).drop_duplicates()
    if {_letters(names), _letters(wanted)} == {"capitals", "mixed"}:
        return names.to_numpy()
    folded = dict(zip(wanted[::-1].str.upper(), wanted[::-1], strict=True))
    return names.where(names.isin(wanted), names.str.upper().map(folded).fillna(names)).to_numpy()


def _letters(symbols: pd.Series) -> str:
    """How most symbols of a table are written: capitals (human), mixed (mouse) or small."""
    if (symbols == symbols.str.upper()).mean() > 0.5:
        return "capitals"
    return "small" if (symbols == symbols.str.lower()).mean() > 0.5 else "mixed"


def _alike(names: list[np.ndarray], positions: pd.DataFrame) -> list[np.ndarray]:
    """Where files differ, replace human symbols without a position by the current ones that their file lacks."""
    if len({frozenset(own) for own in names}) < 2 or _letters(positions["symbol"].dropna()) == "mixed":
        return names
    aliases, placed = gene_aliases(), {symbol.upper(): symbol for symbol in positions["symbol"].dropna()[::-1]}
    renamed = []
    for own in names:
        known = {name.upper() for name in own}
        current = current_symbols(pd.Series(own, dtype=object), aliases)
        pairs = zip(own, current, strict=True)
        new = [old if old.upper() in placed or now in known else placed.get(now, old) for old, now in pairs]
        renamed.append(np.array(new, dtype=object))
    return renamed
