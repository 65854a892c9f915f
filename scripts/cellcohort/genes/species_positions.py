"""Places of a file's genes on the genome of its own species, whichever the run's table is of."""

from __future__ import annotations

import pandas as pd

from ..inputs.resources import GENOMES, gene_positions
from .named_species import named_species


def species_of(table: pd.DataFrame) -> str | None:
    """human, mouse or None by the names of a table with `symbol` and, if known, `gene_id`."""
    ids = table.get("gene_id")
    found = named_species(pd.DataFrame({"symbol": table["symbol"].astype(str), "gene_id": ids}))
    return found if found in GENOMES else None


def own_positions(genes: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    """`positions`, or hg38 or GRCm39 where the names of a file's genes and of `positions` tell two species.

    Parameters
    ----------
    genes
        `Counts.genes`: symbol and gene_id.
    positions
        Table symbol, chromosome, start, end and, if known, gene_id.
    """
    own = species_of(genes)
    return positions if own is None or species_of(positions) in (None, own) else gene_positions(GENOMES[own])
