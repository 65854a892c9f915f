"""Positional evidence of one sample: blocks of its neighbourhoods and groups of cells, and their light chains."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..core.files import read_json
from ..genes.alignment import Alignment
from ..genes.species_positions import own_positions
from ..inputs.counts import Counts, open_sample
from ..outputs.parquet import empty, read_frame
from ..outputs.schemas import POSITIONAL
from .blocks import block_scores
from .cell_sums import place_sample_genes, sum_rows, tree_of_cells
from .healthy_types import HealthyTypes
from .other_species import in_species_of, shared_by_all

log = logging.getLogger(__name__)
LIGHT_CHAINS = {"kappa": r"IGKC$", "lambda": r"IGLC\d+$"}
"""Constant genes of the two chains: a B or plasma cell expresses one of them."""


def measure_sample(
    sample: Mapping[str, Any],
    healthy: HealthyTypes,
    *,
    counts: str | Path,
    qc: str | Path,
    genes: str | Path,
    status: str | Path,
    positions: pd.DataFrame,
) -> pd.DataFrame:
    """The table schemas.POSITIONAL of a sample, a row for each cell that passed QC; none if its status is not ok.

    Parameters
    ----------
    sample
        The sample's row of the sheet.
    counts
        Its file or folder, opened only if the sample was not rejected.
    qc, genes, status
        Its qc.parquet, genes.parquet and status.json.
    positions
        Table symbol, chromosome, start, end.
    """
    if read_json(status)["status"] != "ok":
        return empty(POSITIONAL).to_pandas()
    cells = open_sample(sample, counts)
    rows = np.flatnonzero(read_frame(qc, ["passed"])["passed"])
    vocabulary = np.flatnonzero(Alignment.from_table(read_frame(genes), cells.genes).target >= 0)
    return measure_cells(cells, rows, healthy, positions=positions, vocabulary=vocabulary)


def measure_cells(
    counts: Counts, rows: np.ndarray, healthy: HealthyTypes, *, positions: pd.DataFrame, vocabulary: np.ndarray
) -> pd.DataFrame:
    """The table schemas.POSITIONAL of the cells in `rows`, shape (n,), ascending.

    z and p-values are missing where too few genes have a place: nothing is known then, for or against. Where the
    healthy types are of another species, p-values are of what z has beyond that of all cells (`other_species`).

    Parameters
    ----------
    positions
        Table symbol, chromosome, start, end; not used where it is of another species than the file.
    vocabulary
        Columns of the genes by which cells are told apart.
    """
    tree = tree_of_cells(counts, rows, vocabulary)
    other = in_species_of(healthy, counts.genes)
    healthy = other or healthy
    genes = place_sample_genes(counts, healthy.symbols, healthy.counts, own_positions(counts.genes, positions))
    compared = healthy.counts[:, genes.healthy]
    sums = sum_rows(counts, rows, tree.neighbourhood, genes.into)
    z = block_scores(sums, compared, genes.genome)
    group_z = block_scores(tree.sum_by_group(sums), compared, genes.genome)
    table = {"cell_id": counts.cell_ids[rows]}
    for names, numbers, scores in (
        (("neighbourhood", "n_cells", "z", "pvalue"), tree.neighbourhood, z),
        (("group", "group_n_cells", "group_z", "group_pvalue"), tree.group, group_z),
    ):
        sizes, shared = np.bincount(numbers), shared_by_all(scores) if other else 0.0
        pvalues = healthy.null.pvalue(scores - shared)
        table |= dict(zip(names, (numbers, sizes[numbers], scores[numbers], pvalues[numbers]), strict=True))
    found = np.isfinite(z)[tree.neighbourhood]
    log.info("%d cells in %d neighbourhoods, judged %d", len(rows), len(sums), found.sum())
    return pd.DataFrame(table | _light_chains(counts, rows))


def _light_chains(counts: Counts, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Counts of either light chain in each cell."""
    symbols = counts.genes["symbol"].astype(str).str.upper()
    into = np.stack([symbols.str.fullmatch(pattern).to_numpy(bool) for pattern in LIGHT_CHAINS.values()], 1)
    chains = [np.empty((0, 2)), *(np.asarray(chunk @ into.astype(np.float32)) for _, chunk in counts.chunks(rows))]
    return dict(zip(LIGHT_CHAINS, np.concatenate(chains).T, strict=True))
