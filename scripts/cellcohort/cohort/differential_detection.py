"""Which genes and gene sets the OOD cells of a patient gained or lost beside the reference type they resemble most.

A gene is expected in as many cells as the type's profile says for cells of that many genes (`profiles`), so that depth
changes nothing; genes that a sample's file lacks are left out. What the patient's ordinary cells have more or less of
than their own types is a difference between studies, and is taken off as far as it is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import false_discovery_control

from ..bundle.model_bundle import Bundle
from ..classifier.type_profiles import Profiles
from ..core.errors import InputError
from ..outputs.schemas import ORIGIN_GENE_SETS, ORIGIN_GENES
from .cohort_h5ad import column, count_rows, sample_rows
from .enrichment import rank_gene_sets

MIN_CELLS = 10  # of an origin
MOST_GENES = 25  # named in either direction
MIN_CHANGE, MIN_Z = 0.5, 3.0
STUDY = 0.5  # standard deviation (log2) of a gene between studies, before any ordinary cell of the patient is seen
SPREAD = 0.25  # standard deviation (log2) of a gene between donors: many cells do not make a small change a large one
MOST_Q = 0.05
_CHUNK = 2_000
_DIRECTIONS = {"gained": 1, "lost": -1}


class Excess:
    """Cells in which each of G genes was measured, seen and expected, and the variance of that, by type: (L, G)."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self.measured, self.seen, self.expected, self.variance = np.zeros((4, *profiles.detection.T.shape))

    def add(self, counts: sparse.csr_matrix, codes: np.ndarray, measured: np.ndarray) -> None:
        """Add n cells in which the genes `measured`, numbers, were measured, beside the types of these numbers.

        `counts` has the shape (n, G), `codes` (n,).
        """
        on = counts[:, measured].astype(bool).astype(np.float64)
        n_on = np.diff(on.indptr)
        for code in np.unique(codes):
            own = codes == code
            expected, variance = self._profiles.expected_cells(n_on[own], code, measured)
            self.measured[code, measured] += own.sum()
            self.seen[code, measured] += on[own].sum(0).A1
            self.expected[code, measured] += expected
            self.variance[code, measured] += variance

    def log_ratio(self) -> tuple[np.ndarray, np.ndarray]:
        """log2 of seen to expected cells, half a cell added to both, and its variance, shapes (L, G)."""
        return _log_ratio(self.seen, self.expected, self.variance)

    def log_ratio_of_all(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of all types together, shapes (G,)."""
        return _log_ratio(self.seen.sum(0), self.expected.sum(0), self.variance.sum(0))


def compare_origins(
    path: str | Path, bundle: Bundle, gene_sets: Mapping[str, list[str]]
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The tables of each patient that has OOD cells, one patient's sums in memory at a time.

    Parameters
    ----------
    path
        annotated.h5ad.
    gene_sets
        Symbols by name of the set.

    Yields
    ------
    genes
        `cohort_tables.ORIGIN_GENES`, for each origin of at least `MIN_CELLS` OOD cells: ranks from 1 on for gained and
        from -1 down for lost genes, by z, of at least `MIN_CHANGE` and `MIN_Z`. `log2_change` is log2 of the cells
        that have the gene to those expected of the origin, or that less the same of the patient's cells that are not
        OOD, whichever is nearer to 0 (0 where they disagree in sign); `detected` and `expected` are shares of the
        `n_cells` OOD cells of the origin in which the gene was measured.
    gene_sets
        `cohort_tables.ORIGIN_GENE_SETS`: sets whose genes rank high among the gained or the lost ones (rank-sum test of
        z over the vocabulary; q-values, at most `MOST_Q`, over the patient's tests).

    Raises
    ------
    InputError
        If a label of the cells is no type of the bundle.
    """
    symbols, names = bundle.vocabulary["symbol"].to_numpy(object), np.array(bundle.labels, object)
    with h5py.File(path) as file:
        patients: dict[str, list[tuple[slice, np.ndarray]]] = {}
        for rows, measured in zip(sample_rows(file), file["uns/measured"][:], strict=True):
            patient = column(file, "patient_id", slice(rows.start, rows.start + 1))[0]
            patients.setdefault(patient, []).append((rows, np.flatnonzero(measured)))
        for patient, samples in patients.items():
            foreign, ordinary = _sums(file, samples, bundle)
            codes = np.flatnonzero(foreign.measured.max(1, initial=0) >= MIN_CELLS)
            if len(codes):
                genes, sets = _changes(foreign, ordinary, codes, symbols, gene_sets)
                yield tuple(
                    table.assign(patient_id=patient, origin=names[codes][table["row"]])[schema.names]
                    for table, schema in ((genes, ORIGIN_GENES), (sets, ORIGIN_GENE_SETS))
                )


def _sums(file: h5py.File, samples: Sequence[tuple[slice, np.ndarray]], bundle: Bundle) -> tuple[Excess, Excess]:
    """A patient's OOD cells by origin and its other cells by label."""
    matrix, foreign, ordinary = count_rows(file), Excess(bundle.profiles), Excess(bundle.profiles)
    for rows, measured in samples:
        for start in range(rows.start, rows.stop, _CHUNK):
            part = slice(start, min(start + _CHUNK, rows.stop))
            counts, is_ood = matrix.read(part.start, part.stop), column(file, "is_ood", part)
            for excess, own, name in ((foreign, is_ood, "origin"), (ordinary, ~is_ood, "label")):
                excess.add(counts[own], _codes(column(file, name, part)[own], bundle.labels, file.filename), measured)
    return foreign, ordinary


def _codes(names: np.ndarray, labels: Sequence[str], path: str) -> np.ndarray:
    codes = pd.Index(labels).get_indexer(names)
    if (codes < 0).any():
        raise InputError(
            f"{path}: obs: {names[codes < 0][0]!r} is no type of the model bundle. Annotate the cells with this bundle."
        )
    return codes


def _changes(
    foreign: Excess, ordinary: Excess, codes: np.ndarray, symbols: np.ndarray, gene_sets: Mapping[str, list[str]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Genes and gene sets of the types `codes`; `row` is the number of the type among these."""
    ratio, variance = (values[codes] for values in foreign.log_ratio())
    usual, usual_variance = ordinary.log_ratio_of_all()
    known = STUDY**2 / (STUDY**2 + usual_variance)
    beyond = ratio - known * usual
    change = np.where(ratio * beyond > 0, np.sign(ratio) * np.minimum(abs(ratio), abs(beyond)), 0.0)
    change[foreign.measured[codes] < MIN_CELLS] = 0.0
    z = change / np.sqrt(variance + known * usual_variance + SPREAD**2)
    genes, sets = [], []
    for direction, sign in _DIRECTIONS.items():
        for row, code in enumerate(codes):
            order = np.argsort(-sign * z[row], kind="stable")[:MOST_GENES]
            order = order[(sign * z[row, order] >= MIN_Z) & (sign * change[row, order] >= MIN_CHANGE)]
            n_cells = foreign.measured[code, order]
            genes.append(
                pd.DataFrame(
                    {
                        "row": row,
                        "rank": sign * np.arange(1, len(order) + 1),
                        "symbol": symbols[order],
                        "log2_change": change[row, order],
                        "z": z[row, order],
                        "detected": foreign.seen[code, order] / n_cells,
                        "expected": foreign.expected[code, order] / n_cells,
                        "n_cells": n_cells.astype(np.int64),
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
