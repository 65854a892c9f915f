"""What is streamed from a file of cells: coordinates by expression, and sums over groups of cells in genome order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from threadpoolctl import threadpool_limits

from ..genes.positions import place_genes
from ..genes.shared_genes import gene_names
from ..inputs.counts import Counts
from ..reference.splits import sample_by_id
from .blocks import EXPRESSED, Genome
from .cell_tree import CellTree, grow_tree

N_AXES = 20
MAX_FITTED = 20_000
TARGET_COUNTS = 10_000


@dataclass(frozen=True)
class PlacedGenes:
    """The g genes of a file that have a place on the genome and are expressed in a healthy type, in genome order.

    Attributes
    ----------
    into
        Adds the columns of the file up to these genes, CSR (genes of the file, g).
    healthy
        Their columns in the healthy types, shape (g,).
    genome
        Names, chromosomes and lengths.
    """

    into: sparse.csr_matrix
    healthy: np.ndarray
    genome: Genome


def place_sample_genes(counts: Counts, symbols: list[str], healthy: np.ndarray, positions: pd.DataFrame) -> PlacedGenes:
    """The genes of a file that can be compared with healthy types, whose `symbols` and counts (T, G) are given."""
    names = gene_names(counts.genes, positions)
    column = pd.Index(symbols).get_indexer(names)
    measured = np.unique(column[column >= 0])
    level = healthy[:, measured] / np.maximum(healthy[:, measured].sum(1, keepdims=True), 1e-12) * 1e6
    expressed = measured[(level > EXPRESSED).any(0)]
    placed = place_genes(np.array(symbols, object)[expressed], positions)
    chosen = expressed[placed["column"].to_numpy(int)]
    place = np.full(len(symbols), -1)
    place[chosen] = np.arange(len(chosen))
    rows = np.flatnonzero(column >= 0)
    rows = rows[place[column[rows]] >= 0]
    into = sparse.csr_matrix((np.ones(len(rows)), (rows, place[column[rows]])), shape=(len(names), len(chosen)))
    genome = Genome(
        placed["symbol"].to_numpy(str),
        placed["chromosome"].to_numpy(str),
        (placed["end"] - placed["start"]).to_numpy(float),
    )
    return PlacedGenes(into, chosen, genome)


def sum_rows(counts: Counts, rows: np.ndarray, numbers: np.ndarray, into: sparse.csr_matrix) -> np.ndarray:
    """Counts of each group of cells, float64 (groups, g); a group's columns are added up by `into` (genes, g).

    Parameters
    ----------
    rows, numbers
        Ascending rows of the file, and the number of the group of each, shape (n,).
    """
    sums, start = np.zeros((numbers.max(initial=-1) + 1, into.shape[1])), 0
    for chunk_rows, chunk in counts.chunks(rows):
        here, members = np.unique(numbers[start : start + len(chunk_rows)], return_inverse=True)
        adding = sparse.csr_matrix((np.ones(len(members)), (members, np.arange(len(members)))))
        sums[here] += (adding @ (chunk.astype(np.float64) @ into)).toarray()
        start += len(chunk_rows)
    return sums


def tree_of_cells(counts: Counts, rows: np.ndarray, columns: np.ndarray) -> CellTree:
    """Neighbourhoods and groups of cells by their expression of the genes in `columns`, whatever the file's order."""
    order = np.argsort(counts.cell_ids[rows], kind="stable")
    with threadpool_limits(1):
        tree = grow_tree(_coordinates(counts, rows, columns)[order])
    back = np.argsort(order, kind="stable")
    return CellTree(tree.neighbourhood[back], tree.group[back])


def _coordinates(counts: Counts, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Principal axes of log-normalised expression, shape (n, up to 20), of up to 20,000 of the cells."""
    order = sample_by_id(counts.cell_ids[rows], limit=MAX_FITTED)
    fitted = np.sort(order)
    chunks = [_log_normalised(chunk[:, columns]) for _, chunk in counts.chunks(rows[fitted])]
    n_axes = min(N_AXES, len(fitted) // 5, len(columns) - 1)
    if n_axes < 1:
        return np.zeros((len(rows), 1))
    matrix = sparse.vstack(chunks, format="csr")[np.searchsorted(fitted, order)]
    axes = TruncatedSVD(n_axes, random_state=0).fit(matrix)
    return np.concatenate([axes.transform(_log_normalised(chunk[:, columns])) for _, chunk in counts.chunks(rows)])


def _log_normalised(chunk: sparse.csr_matrix) -> sparse.csr_matrix:
    total = np.maximum(np.asarray(chunk.sum(1)).ravel(), 1e-12)
    return (sparse.diags(TARGET_COUNTS / total) @ chunk).log1p().tocsr()
