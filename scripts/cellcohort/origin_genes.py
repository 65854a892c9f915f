"""Which genes and gene sets the OOD cells of a patient gained or lost beside the reference type they resemble most.

A gene is expected in as many cells as the type's profile says for cells of that many genes (`profiles`), so that depth
changes nothing. What the patient's ordinary cells have more or less of than their own types is a difference between
studies, and is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from anndata.io import sparse_dataset
from scipy import sparse
from scipy.stats import false_discovery_control

from .annotated_file import column, sample_rows
from .cohort_tables import ORIGIN_GENE_SETS, ORIGIN_GENES
from .enrichment import rank_gene_sets
from .profiles import Profiles

MIN_CELLS = 10  # of an origin
MOST_GENES = 25  # named in either direction
MIN_CHANGE, MIN_Z = 0.5, 3.0
SPREAD = 0.25  # standard deviation (log2) of a gene between donors: many cells do not make a small change a large one
MOST_Q = 0.05
_CHUNK = 2_000
_DIRECTIONS = {"gained": 1, "lost": -1}


class Excess:
    """Cells in which each of G genes was seen and expected, and the variance of that, by type: shapes (L, G)."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        shape = profiles.detection.T.shape
        self.n_cells = np.zeros(shape[0], np.int64)
        self.seen, self.expected, self.variance = np.zeros((3, *shape))

    def add(self, counts: sparse.csr_matrix, codes: np.ndarray) -> None:
        """Add n cells, compared with the types of these numbers, shape (n,); `counts` has the shape (n, G)."""
        on = counts.astype(bool).astype(np.float64)
        n_on = np.diff(on.indptr)
        for code in np.unique(codes):
            own = codes == code
            expected, variance = self._profiles.expected_cells(n_on[own], code)
            self.n_cells[code] += own.sum()
            self.seen[code] += on[own].sum(0).A1
            self.expected[code] += expected
            self.variance[code] += variance

    def log_ratio(self) -> tuple[np.ndarray, np.ndarray]:
        """log2 of seen to expected cells, half a cell added to both, and its variance, shapes (L, G)."""
        return _log_ratio(self.seen, self.expected, self.variance)

    def log_ratio_of_all(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of all types together, shapes (G,)."""
        return _log_ratio(self.seen.sum(0), self.expected.sum(0), self.variance.sum(0))


def compare_origins(
    path: str | Path,
    profiles: Profiles,
    labels: Sequence[str],
    gene_sets: Mapping[str, list[str]],
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The tables of each patient that has OOD cells, one patient's sums in memory at a time.

    Parameters
    ----------
    path
        annotated.h5ad.
    profiles, labels
        The reference's types, and their names in the same order.
    gene_sets
        Symbols by name of the set.

    Yields
    ------
    genes
        `cohort_tables.ORIGIN_GENES`, for each origin of at least `MIN_CELLS` OOD cells: ranks from 1 on for gained and
        from -1 down for lost genes, by z, of at least `MIN_CHANGE` and `MIN_Z`. `log2_change` is log2 of the cells
        that have the gene to those expected of the origin, or that less the same of the patient's cells that are not
        OOD, whichever is nearer to 0 (0 where they disagree in sign); `detected` and `expected` are shares of the
        origin's OOD cells.
    gene_sets
        `cohort_tables.ORIGIN_GENE_SETS`: sets whose genes rank high among the gained or the lost ones (rank-sum test of
        z over the vocabulary; q-values, at most `MOST_Q`, over the patient's tests).
    """
    with h5py.File(path) as file:
        symbols = file["var"][file["var"].attrs["_index"]].asstr()[:].astype(object)
        patients: dict[str, list[slice]] = {}
        for rows in sample_rows(file):
            patients.setdefault(column(file, "patient_id", slice(rows.start, rows.start + 1))[0], []).append(rows)
        for patient, samples in patients.items():
            foreign, ordinary = _sums(file, samples, profiles, pd.Index(labels))
            codes = np.flatnonzero(foreign.n_cells >= MIN_CELLS)
            if len(codes):
                genes, sets = _changes(foreign, ordinary, codes, symbols, gene_sets)
                names = np.array(labels, object)[codes]
                yield tuple(
                    table.assign(patient_id=patient, origin=names[table["row"]])[schema.names]
                    for table, schema in ((genes, ORIGIN_GENES), (sets, ORIGIN_GENE_SETS))
                )


def _sums(file: h5py.File, samples: Sequence[slice], profiles: Profiles, labels: pd.Index) -> tuple[Excess, Excess]:
    """A patient's OOD cells by origin and its other cells by label."""
    matrix, foreign, ordinary = sparse_dataset(file["X"]), Excess(profiles), Excess(profiles)
    for rows in samples:
        for start in range(rows.start, rows.stop, _CHUNK):
            part = slice(start, min(start + _CHUNK, rows.stop))
            counts, is_ood = matrix[part], column(file, "is_ood", part)
            for excess, own, name in ((foreign, is_ood, "origin"), (ordinary, ~is_ood, "label")):
                excess.add(counts[own], labels.get_indexer(column(file, name, part)[own]))
    return foreign, ordinary


def _changes(
    foreign: Excess, ordinary: Excess, codes: np.ndarray, symbols: np.ndarray, gene_sets: Mapping[str, list[str]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Genes and gene sets of the types `codes`; `row` is the number of the type among these."""
    ratio, variance = (values[codes] for values in foreign.log_ratio())
    usual, usual_variance = ordinary.log_ratio_of_all()
    beyond = ratio - usual
    change = np.where(ratio * beyond > 0, np.sign(ratio) * np.minimum(abs(ratio), abs(beyond)), 0.0)
    z = change / np.sqrt(variance + usual_variance + SPREAD**2)
    n_cells = foreign.n_cells[codes]
    genes, sets = [], []
    for direction, sign in _DIRECTIONS.items():
        for row in range(len(codes)):
            order = np.argsort(-sign * z[row], kind="stable")[:MOST_GENES]
            order = order[(sign * z[row, order] >= MIN_Z) & (sign * change[row, order] >= MIN_CHANGE)]
            genes.append(
                pd.DataFrame(
                    {
                        "row": row,
                        "rank": sign * np.arange(1, len(order) + 1),
                        "symbol": symbols[order],
                        "log2_change": change[row, order],
                        "z": z[row, order],
                        "detected": foreign.seen[codes[row], order] / n_cells[row],
                        "expected": foreign.expected[codes[row], order] / n_cells[row],
                        "n_cells": n_cells[row],
                    }
                )
            )
        sets.append(rank_gene_sets(sign * z, symbols, gene_sets).assign(direction=direction))
    found = pd.concat(sets, ignore_index=True)
    found["qvalue"] = false_discovery_control(found["pvalue"].to_numpy(float)) if len(found) else 0.0
    found = found[found["qvalue"] <= MOST_Q].sort_values(["row", "direction", "pvalue", "gene_set"])
    return pd.concat(genes, ignore_index=True), found.astype({"row": int})


def _log_ratio(seen: np.ndarray, expected: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.log2((seen + 0.5) / (expected + 0.5)), (variance + 0.25) / ((expected + 0.5) * np.log(2)) ** 2
