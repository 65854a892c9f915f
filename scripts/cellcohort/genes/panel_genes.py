"""The genes of a reference that the panel of a sample measures, for a vocabulary that holds them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import InputError
from ..inputs.counts import open_sample
from ..inputs.gene_panels import PANEL
from ..inputs.resources import gene_aliases, mouse_orthologs
from .alignment import align_genes
from .non_gene_rows import non_genes

log = logging.getLogger(__name__)


def panel_genes(sample: Mapping[str, Any], path: str, reference: pd.DataFrame) -> list[str]:
    """Symbols of the genes of a reference that the panel of a sample measures.

    Parameters
    ----------
    sample
        What the sample sheet says of how the file at `path` is read.
    reference
        `Counts.genes` of the reference.

    Raises
    ------
    InputError
        When the file measures a whole transcriptome.
    """
    genes = open_sample(sample, path).genes
    if len(genes) >= PANEL:
        raise InputError(
            f"{path}: the file has {len(genes):,} genes and is no panel. Take the sample out of vocabulary.panels in "
            "the config."
        )
    genes = genes[~non_genes(genes["symbol"])].reset_index(drop=True)
    named = reference[["symbol", "gene_id"]].assign(token_id=np.arange(len(reference)))
    species = sample.get("species") or "human"
    alignment = align_genes(genes, named, gene_aliases(), species=species, orthologs=mouse_orthologs())
    log.info("%s: the reference has %d of the panel's %d genes", path, len(alignment.measured), len(genes))
    return named["symbol"].iloc[alignment.measured].tolist()
