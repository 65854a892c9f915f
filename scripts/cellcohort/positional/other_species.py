"""A mouse sample on human healthy types, or the other way round: by one-to-one orthologs, along its own genome."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pandas as pd

from ..genes.species_positions import species_of
from ..inputs.resources import mouse_orthologs
from .healthy_types import HealthyTypes

log = logging.getLogger(__name__)
MOST_SHARED = 3.0
"""z that all cells of a healthy sample were seen to share at most (tests/benchmarks/README.md)."""
LOWEST = 0.25


def in_species_of(healthy: HealthyTypes, genes: pd.DataFrame) -> HealthyTypes | None:
    """The healthy types by the symbols of a file's species; None where it is theirs, or names tell neither.

    Genes without an ortholog, and those that share it with others, are left out.

    Parameters
    ----------
    genes
        `Counts.genes`: symbol and gene_id.
    """
    own, theirs = species_of(genes), species_of(pd.DataFrame({"symbol": healthy.symbols}))
    if None in (own, theirs) or own == theirs:
        return None
    table = mouse_orthologs()
    table = table[~table["symbol"].duplicated(keep=False) & ~table["mouse_symbol"].duplicated(keep=False)]
    source, target = ("symbol", "mouse_symbol") if own == "mouse" else ("mouse_symbol", "symbol")
    symbols = pd.Series(healthy.symbols, dtype=object).map(table.set_index(source)[target])
    known = np.flatnonzero(symbols.notna())
    log.info("healthy types of another species (%s): %d of %d genes by ortholog", theirs, len(known), len(symbols))
    return replace(healthy, symbols=symbols[known].tolist(), counts=healthy.counts[:, known])


def shared_by_all(z: np.ndarray) -> float:
    """What all groups of a sample share of their z, 0 to `MOST_SHARED`: it may be the species, and is no evidence.

    Two species differ in neighbouring genes, too, in all cells alike. So the lower quartile of z, NaN where it is, does
    not count; in a sample of altered cells alone it is theirs, and costs them up to `MOST_SHARED`.
    """
    z = z[np.isfinite(z)]
    return float(np.clip(np.quantile(z, LOWEST), 0, MOST_SHARED)) if len(z) else 0.0
