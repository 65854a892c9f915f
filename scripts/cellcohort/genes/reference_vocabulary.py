"""The vocabulary of a reference's file, and of panels that are to be read by it: what rule select_vocabulary does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..inputs.resources import gene_aliases, gene_positions, genome_of
from ..reference.checked_cells import checked_cells
from .panel_genes import panel_genes
from .vocabulary import select_vocabulary


def reference_vocabulary(
    reference: Mapping[str, Any],
    path: str,
    qc: str | Path,
    config: Mapping[str, Any],
    panels: Sequence[tuple[Mapping[str, Any], str]] = (),
) -> pd.DataFrame:
    """Choose the genes that the model knows (`select_vocabulary`).

    Parameters
    ----------
    reference, config
        The sections `reference` and `vocabulary`.
    path, qc
        The reference's file and its qc.parquet.
    panels
        Rows of the sheet of samples that measure a panel, each with its file.
    """
    counts, rows, _, donors = checked_cells(reference, path, qc)
    of_panels = [gene for sample, file in panels for gene in panel_genes(sample, file, counts.genes)]
    return select_vocabulary(
        counts,
        rows,
        donors,
        n_genes=config["n_genes"],
        extra_genes=list(dict.fromkeys([*config["extra_genes"], *of_panels])),
        positions=gene_positions(genome_of(counts.genes)),
        aliases=gene_aliases(),
    )
