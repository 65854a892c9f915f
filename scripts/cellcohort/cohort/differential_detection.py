"""Differential detection: genes and gene sets that a patient's altered cells gained or lost beside their origins.

Altered are OOD cells that have an origin and are malignant or unexplained by the verdict.

A gene is expected in as many cells as the origin's profile says for cells of that many genes (`type_profiles`), so that
depth changes nothing; genes that a sample's file lacks are left out. What the patient's normal cells have more or less
of than their own types is a difference between studies, and is taken off as far as it is known.
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
from ..verdict.decision import MALIGNANT, NORMAL, UNEXPLAINED
from .cohort_h5ad import column, count_rows, sample_rows
from .enrichment import rank_gene_sets

MIN_CELLS = 10  # of an origin
MOST_GENES = 25  # named in either direction
MIN_CHANGE, MIN_Z = 0.5, 3.0
STUDY = 0.5  # standard deviation (log2) of a gene between studies, before any normal cell of the patient is seen
SPREAD = 0.25  # standard deviation (log2) of a gene between donors: many cells do not make a small change a large one
MOST_Q = 0.05
_CHUNK = 2_000
_DIRECTIONS = {"gained": 1, "lost": -1}


class DetectionCounts:
    """Cells in which each of G genes was measured, detected and expected, and the variance of that, by type: (L, G)."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self.measured, self.detected, self.expected, self.variance = np.zeros((4, *profiles.detection.T.shape))

    def add(self, counts: sparse.csr_matrix, codes: np.ndarray, measured: np.ndarray) -> None:
        """Add n cells of the types numbered by `codes`, in which the genes numbered by `measured` were measured.

        `counts` has the shape (n, G), `codes` (n,).
        """
        on = counts[:, measured].astype(bool).astype(np.float64)
        n_on = np.diff(on.indptr)
        for code in np.unique(codes):
            cells = codes == code
            expected, variance = self._profiles.expected_cells(n_on[cells], code, measured)
            self.measured[code, measured] += cells.sum()
            self.detected[code, measured] += on[cells].sum(0).A1
            self.expected[code, measured] += expected
            self.variance[code, measured] += variance

    def log_ratio(self) -> tuple[np.ndarray, np.ndarray]:
        """log2 of detected to expected cells, half a cell added to both, and its variance, shapes (L, G)."""
        return _log_ratio(self.detected, self.expected, self.variance)

    def log_ratio_of_all(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of all types together, shapes (G,)."""
        return _log_ratio(self.detected.sum(0), self.expected.sum(0), self.variance.sum(0))


def compare_origins(
    path: str | Path, bundle: Bundle, gene_sets: Mapping[str, list[str]]
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The tables of each patient that has altered cells, one patient's sums in memory at a time.

    Parameters
    ----------
    path
        annotated.h5ad.
    gene_sets
        Symbols by name of the set.

    Yields
    ------
    genes
        `schemas.ORIGIN_GENES`, for each origin of at least `MIN_CELLS` altered cells: ranks from 1 on for gained and
        from -1 down for lost genes, by z, of at least `MIN_CHANGE` and `MIN_Z`. `log2_change` is log2 of the cells
        that have the gene to those expected of the origin, or that less the same of the patient's normal cells,
        whichever is nearer to 0 (0 where they disagree in sign); `detected` and `expected` are shares of the `n_cells`
        altered cells of the origin in which the gene was measured.
    gene_sets
        `schemas.ORIGIN_GENE_SETS`: sets whose genes rank high among the gained or the lost ones (rank-sum test of
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
            altered, normal = _count(file, samples, bundle)
            codes = np.flatnonzero(altered.measured.max(1, initial=0) >= MIN_CELLS)
            if len(codes):
                genes, sets = _changes(altered, normal, codes, symbols, gene_sets)
                yield tuple(
                    table.assign(patient_id=patient, origin=names[codes][table["row"]])[schema.names]
                    for table, schema in ((genes, ORIGIN_GENES), (sets, ORIGIN_GENE_SETS))
                )


def _count(
    file: h5py.File, samples: Sequence[tuple[slice, np.ndarray]], bundle: Bundle
) -> tuple[DetectionCounts, DetectionCounts]:
    """Counts of a patient's altered cells by origin, and of its normal cells by label."""
    matrix = count_rows(file)
    altered, normal = DetectionCounts(bundle.profiles), DetectionCounts(bundle.profiles)
    for rows, measured in samples:
        for start in range(rows.start, rows.stop, _CHUNK):
            part = slice(start, min(start + _CHUNK, rows.stop))
            counts, verdicts = matrix.read(part.start, part.stop), column(file, "verdict", part)
            apart = np.isin(verdicts, [MALIGNANT, UNEXPLAINED]) & (column(file, "is_ood", part) == "True")
            apart &= pd.notna(column(file, "origin", part))
            for detection, cells, name in ((altered, apart, "origin"), (normal, verdicts == NORMAL, "label")):
                codes = _codes(column(file, name, part)[cells], bundle.labels, file.filename)
                detection.add(counts[cells], codes, measured)
    return altered, normal


def _codes(names: np.ndarray, labels: Sequence[str], path: str) -> np.ndarray:
    codes = pd.Index(labels).get_indexer(names)
    if (codes < 0).any():
        raise InputError(
            f"{path}: obs: {names[codes < 0][0]!r} is no type of the model bundle. Annotate the cells with this bundle."
        )
    return codes


def _changes(
    altered: DetectionCounts,
    normal: DetectionCounts,
    codes: np.ndarray,
    symbols: np.ndarray,
    gene_sets: Mapping[str, list[str]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Genes and gene sets of the types `codes`; `row` is the number of the type among these."""
    change, z = _test(altered, normal, codes)
    genes, sets = [], []
    for direction, sign in _DIRECTIONS.items():
        for row, code in enumerate(codes):
            order = np.argsort(-sign * z[row], kind="stable")[:MOST_GENES]
            order = order[(sign * z[row, order] >= MIN_Z) & (sign * change[row, order] >= MIN_CHANGE)]
            n_cells = altered.measured[code, order]
            genes.append(
                pd.DataFrame(
                    {
                        "row": row,
                        "rank": sign * np.arange(1, len(order) + 1),
                        "symbol": symbols[order],
                        "log2_change": change[row, order],
                        "z": z[row, order],
                        "detected": altered.detected[code, order] / n_cells,
                        "expected": altered.expected[code, order] / n_cells,
                        "n_cells": n_cells.astype(np.int64),
                    }
                )
            )
        sets.append(rank_gene_sets(sign * z, symbols, gene_sets).assign(direction=direction))
    found = pd.concat(sets, ignore_index=True)
    found["qvalue"] = false_discovery_control(found["pvalue"].to_numpy(float)) if len(found) else 0.0
    found = found[found["qvalue"] <= MOST_Q].sort_values(["row", "direction", "pvalue", "gene_set"])
    return pd.concat(genes, ignore_index=True), found.astype({"row": int})


def _test(altered: DetectionCounts, normal: DetectionCounts, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log2 change of the types `codes` beyond what is the study's, and its z, shapes (len(codes), G)."""
    ratio, variance = (values[codes] for values in altered.log_ratio())
    study, study_variance = normal.log_ratio_of_all()
    shrinkage = STUDY**2 / (STUDY**2 + study_variance)
    beyond = ratio - shrinkage * study
    change = np.where(ratio * beyond > 0, np.sign(ratio) * np.minimum(abs(ratio), abs(beyond)), 0.0)
    change[altered.measured[codes] < MIN_CELLS] = 0.0
    return change, change / np.sqrt(variance + shrinkage * study_variance + SPREAD**2)


def _log_ratio(detected: np.ndarray, expected: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.log2((detected + 0.5) / (expected + 0.5)), (variance + 0.25) / ((expected + 0.5) * np.log(2)) ** 2
