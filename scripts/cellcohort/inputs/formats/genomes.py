"""The genes of one species in a file that was counted on several genomes (xenografts, mixtures of cells)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from ...core.errors import InputError
from ..gene_names import species_of_genome
from .container import Container

_IDS = {"human": "ENSG0", "mouse": "ENSMUSG"}
_SHARE = 0.05
"""Share of the genes from which on ids of a species speak for its genome, where no genome is named."""


def of_species(file: Container, species: str, path: Path) -> Container:
    """The file with the genes of one species alone; features of no genome stay.

    Raises
    ------
    InputError
        When there are several genomes, none of them of the species.
    """
    genes = file.genes.drop(columns="genome")
    kinds = file.genes["genome"].map(species_of_genome)
    if not kinds.any():
        kinds = _kinds_by_id(genes["gene_id"])
    found = sorted(set(kinds) - {""})
    if len(found) < 2:
        return replace(file, genes=genes)
    if species not in found:
        raise InputError(
            f"{path}: its genes are of {' and '.join(found)}, the sample is {species}. Set species in the sheet, or "
            "count the sample on one genome."
        )
    wanted = kinds.isin([species, ""]).to_numpy()
    keep = file.keep.copy()
    keep[keep] = wanted
    others = " and ".join(name for name in found if name != species)
    note = f"{(~wanted).sum()} genes of {others} were left out: the file has several genomes, the sample is {species}"
    return replace(file, genes=genes[wanted].reset_index(drop=True), keep=keep, notes=(*file.notes, note))


def own_genome(genomes: list[str], species: str) -> tuple[list[str], tuple[str, ...]]:
    """Of the genomes of a file that has a matrix for each, the one of the species, and a note; all if not one is."""
    own = [name for name in genomes if species_of_genome(name) == species]
    if len(genomes) < 2 or len(own) != 1:
        return genomes, ()
    others = " and ".join(name for name in genomes if name not in own)
    return own, (f"the matrix of {others} was left out: the file has one for {own[0]}, and the sample is {species}",)


def _kinds_by_id(gene_ids: pd.Series) -> pd.Series:
    kinds = pd.Series("", index=gene_ids.index, dtype=object)
    for species, start in _IDS.items():
        kinds[gene_ids.str.startswith(start).eq(True)] = species
    shares = [(kinds == species).mean() for species in _IDS]
    if min(shares) < _SHARE:
        kinds[:] = ""
    return kinds
