"""Bootstrap of label and OOD metrics: counts of evaluated cells are resampled by multinomial draws, not the cells.

Resampling counts is as cheap for a million cells as for a hundred. Scores enter as bins, so that a metric of the counts
differs from that of the cells by less than a bin; point estimates are therefore taken from the cells (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from ..classifier.calibration_error import CALIBRATION_BINS, confidence_bin

FINE_BINS = 16 * CALIBRATION_BINS
SCORE_BINS = 256


@dataclass(frozen=True)
class CellCounts:
    """Counts of cells in r resamples.

    Attributes
    ----------
    confusion
        shape (r, k, k): truth x label over the k types; cells of known truth.
    calibration
        shape (r, FINE_BINS, 2): cells of known truth by confidence, wrong and right.
    ood_calls
        shape (r, 2, 2): known and unknown truth x not called and called OOD.
    scores
        shape (r, 2, s): known and unknown truth by bin of the OOD score, ascending.
    """

    confusion: np.ndarray
    calibration: np.ndarray
    ood_calls: np.ndarray
    scores: np.ndarray

    def resample(self, n: int, seed: int) -> CellCounts:
        """`n` draws of the cells with replacement (from the counts of one resample)."""
        rng = np.random.default_rng(seed)
        return CellCounts(*(_draw(rng, getattr(self, field.name), n) for field in fields(self)))


class CellCounter:
    """Counts groups of cells by the same types and score bins.

    Parameters
    ----------
    cells
        All cells, with the columns truth, known, label, confidence, ood_score and is_ood.
    """

    def __init__(self, cells: pd.DataFrame) -> None:
        self.types = sorted(set(cells.loc[cells["known"], "truth"]) | set(cells["label"]))
        self._edges = np.unique(np.quantile(cells["ood_score"], np.linspace(0, 1, SCORE_BINS + 1)[1:-1]))

    def __call__(self, cells: pd.DataFrame) -> CellCounts:
        """The counts of `cells`, one resample."""
        unknown = (~cells["known"]).to_numpy(int)
        known = cells[cells["known"]]
        truth, label = (pd.Categorical(known[name], self.types).codes.astype(int) for name in ("truth", "label"))
        score = np.searchsorted(self._edges, cells["ood_score"].to_numpy())
        return CellCounts(
            _cross(truth, label, (len(self.types), len(self.types))),
            _cross(confidence_bin(known["confidence"], FINE_BINS), truth == label, (FINE_BINS, 2)),
            _cross(unknown, cells["is_ood"], (2, 2)),
            _cross(unknown, score, (2, len(self._edges) + 1)),
        )


def resample_groups(groups: Sequence[CellCounts], n: int, seed: int) -> CellCounts:
    """`n` draws of whole groups (patients) with replacement."""
    probability = np.full(len(groups), 1 / len(groups))
    weights = np.random.default_rng(seed).multinomial(len(groups), probability, n)
    tables = (np.concatenate([getattr(group, field.name) for group in groups]) for field in fields(CellCounts))
    return CellCounts(*(np.tensordot(weights, table, axes=1) for table in tables))


def metrics(counts: CellCounts) -> dict[str, np.ndarray]:
    """Label and OOD metrics, each of shape (r,); NaN where a resample does not define it."""
    called = _ratio(counts.ood_calls[:, :, 1], counts.ood_calls.sum(2))
    by_type = type_metrics(counts)
    return {
        "accuracy": _ratio(np.einsum("rkk->r", counts.confusion), counts.confusion.sum((1, 2))),
        "macro_f1": _nanmean(by_type["f1"]),
        "balanced_accuracy": _nanmean(by_type["recall"]),
        "ece": _calibration_error(counts.calibration),
        "ood_auroc": _auroc(counts.scores.astype(float)),
        "ood_aupr": _average_precision(counts.scores),
        "ood_recall": called[:, 1],
        "ood_false_alarm_rate": called[:, 0],
    }


def type_metrics(counts: CellCounts) -> dict[str, np.ndarray]:
    """Recall, precision and F1, each of shape (r, k); NaN for a type that does not occur in the truth."""
    hits = np.einsum("rkk->rk", counts.confusion)
    truth, label = counts.confusion.sum(2), counts.confusion.sum(1)
    occurs = np.where(truth > 0, 1.0, np.nan)
    return {
        "recall": _ratio(hits, truth),
        "precision": hits / np.maximum(label, 1) * occurs,
        "f1": _ratio(2 * hits, truth + label) * occurs,
    }


def _cross(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Counts by row and column, shape (1, *shape)."""
    flat = np.asarray(rows, int) * shape[1] + np.asarray(columns, int)
    return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(1, *shape)


def _draw(rng: np.random.Generator, table: np.ndarray, n: int) -> np.ndarray:
    """A multinomial over the occupied categories of a table."""
    counts = table.ravel()
    occupied = np.flatnonzero(counts)
    drawn = np.zeros((n, counts.size), np.int64)
    if occupied.size:
        drawn[:, occupied] = rng.multinomial(counts.sum(), counts[occupied] / counts.sum(), n)
    return drawn.reshape(n, *table.shape[1:])


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _nanmean(values: np.ndarray) -> np.ndarray:
    return _ratio(np.nansum(values, 1), np.isfinite(values).sum(1))


def _calibration_error(calibration: np.ndarray) -> np.ndarray:
    """Expected calibration error; the middle of a fine bin stands for the confidence of its cells."""
    cells, right = calibration.sum(2), calibration[:, :, 1]
    gap = cells * ((np.arange(FINE_BINS) + 0.5) / FINE_BINS) - right
    return _ratio(np.abs(gap.reshape(len(gap), CALIBRATION_BINS, -1).sum(2)).sum(1), cells.sum(1))


def _auroc(scores: np.ndarray) -> np.ndarray:
    """Share of (unknown, known) pairs in the right order; a tie counts one half."""
    known, unknown = scores[:, 0], scores[:, 1]
    below = np.cumsum(known, 1) - known / 2
    return _ratio((unknown * below).sum(1), known.sum(1) * unknown.sum(1))


def _average_precision(scores: np.ndarray) -> np.ndarray:
    """Average precision with the bins as thresholds."""
    known, unknown = np.cumsum(scores[:, :, ::-1], axis=2).transpose(1, 0, 2)
    precision = unknown / np.maximum(known + unknown, 1)
    return _ratio((np.diff(unknown, axis=1, prepend=0) * precision).sum(1), unknown[:, -1])
