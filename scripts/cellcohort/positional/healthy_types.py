"""The healthy types over all genes of the reference: what a patient's cells are compared with, block by block."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..core.files import read_json
from ..core.provenance import write_record
from ..genes.alignment import align_genes
from ..genes.genome_tables import read_positions
from ..genes.shared_genes import gene_names
from ..genes.species_positions import own_positions
from ..inputs.counts import Counts
from ..inputs.resources import gene_aliases
from ..outputs.parquet import read_frame, write_table
from ..outputs.schemas import HEALTHY_TYPES
from ..reference.checked_cells import checked_cells
from ..reference.splits import sample_by_id
from .blocks import block_scores
from .cell_sums import place_sample_genes, sum_rows, tree_of_cells
from .null_distribution import NullDistribution, fit_null

log = logging.getLogger(__name__)
MIN_CELLS, MIN_COUNTS = 10, 100_000
"""Of a type that cells are compared with: fewer leave so much noise that a block drowns in it."""
MAX_NULL_CELLS = 20_000


@dataclass(frozen=True)
class HealthyTypes:
    """Counts of T healthy types over G genes.

    Attributes
    ----------
    labels, symbols
        Their names, lengths T and G.
    counts
        Sums over the reference's cells, shape (T, G).
    null
        z of healthy cells.
    """

    labels: list[str]
    symbols: list[str]
    counts: np.ndarray
    null: NullDistribution

    @classmethod
    def read(cls, healthy_types: str | Path, positional: str | Path) -> HealthyTypes:
        """From the files of a bundle."""
        table = read_frame(healthy_types)
        counts = table.pivot(index="label", columns="symbol", values="n_counts").fillna(0.0)
        facts = read_json(positional)
        null = NullDistribution(**{name: facts[name] for name in ("start", "scale", "n_groups")})
        return cls(counts.index.tolist(), counts.columns.tolist(), counts.to_numpy(float), null)

    def write(self, healthy_types: str | Path, positional: str | Path) -> None:
        """To the files of a bundle: schemas.HEALTHY_TYPES, and the null distribution as JSON."""
        types, genes = np.nonzero(self.counts)
        columns = {
            "label": np.array(self.labels, object)[types],
            "symbol": np.array(self.symbols, object)[genes],
            "n_counts": self.counts[types, genes],
        }
        write_table(healthy_types, pd.DataFrame(columns), HEALTHY_TYPES)
        write_record(positional, asdict(self.null))


def reference_types(
    reference: Mapping[str, Any], path: str, qc: str | Path, vocabulary: str | Path, *, positions: str | Path
) -> HealthyTypes:
    """The healthy types of the reference's file `path` (`sum_healthy_types`).

    Parameters
    ----------
    reference
        The config's `reference` section.
    qc, vocabulary
        Its qc.parquet, and the vocabulary.
    positions
        A table of gene positions.
    """
    counts, rows, labels, _ = checked_cells(reference, path, qc)
    alignment = align_genes(counts.genes, read_frame(vocabulary), gene_aliases())
    known = np.flatnonzero(alignment.target >= 0)
    return sum_healthy_types(counts, rows, labels, positions=read_positions(positions), vocabulary=known)


def sum_healthy_types(
    counts: Counts, rows: np.ndarray, labels: np.ndarray, *, positions: pd.DataFrame, vocabulary: np.ndarray
) -> HealthyTypes:
    """Sum the reference's cells by type, and measure the blocks of its own cells against the types they are not of.

    Parameters
    ----------
    rows, labels
        Of the labelled cells, shape (n,).
    positions
        Table symbol, chromosome, start, end; not used where it is of another species than the reference.
    vocabulary
        Columns of the genes by which cells are told apart.
    """
    positions = own_positions(counts.genes, positions)
    names, codes = np.unique(labels.astype(str), return_inverse=True)
    symbols, into = np.unique(gene_names(counts.genes, positions), return_inverse=True)
    summing = sparse.csr_matrix((np.ones(len(into)), (np.arange(len(into)), into)))
    sums = sum_rows(counts, rows, codes, summing)
    enough = (np.bincount(codes) >= MIN_CELLS) & (sums.sum(1) >= MIN_COUNTS)
    enough |= not enough.any()
    log.info("compared block by block with %d of %d types: %s", enough.sum(), len(names), ", ".join(names[enough]))
    types = HealthyTypes(names[enough].tolist(), symbols.tolist(), sums[enough], NullDistribution())
    z = _own_blocks(types, counts, rows, labels, positions, vocabulary)
    null = fit_null(z)
    log.info("blocks of %d groups of healthy cells: 5 %% of them above z = %.2f", null.n_groups, null.start)
    return replace(types, null=null)


def _own_blocks(
    types: HealthyTypes,
    counts: Counts,
    rows: np.ndarray,
    labels: np.ndarray,
    positions: pd.DataFrame,
    vocabulary: np.ndarray,
) -> np.ndarray:
    """z of neighbourhoods and groups of the reference's cells, each against the types that most of it is not of."""
    chosen = np.sort(sample_by_id(counts.cell_ids[rows], limit=MAX_NULL_CELLS))
    rows, labels = rows[chosen], labels[chosen].astype(str)
    genes = place_sample_genes(counts, types.symbols, types.counts, positions)
    tree = tree_of_cells(counts, rows, vocabulary)
    neighbourhoods = sum_rows(counts, rows, tree.neighbourhood, genes.into)
    z = []
    for numbers, sums in ((tree.neighbourhood, neighbourhoods), (tree.group, tree.sum_by_group(neighbourhoods))):
        own = pd.Series(labels).groupby(numbers).agg(lambda part: part.mode().iloc[0])
        without = pd.Index(types.labels).get_indexer(own)
        z.append(block_scores(sums, types.counts[:, genes.healthy], genes.genome, without=without))
    return np.concatenate(z)
