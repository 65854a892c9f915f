"""Counts of evaluated cells from which every metric follows, for many bootstrap resamples at once.

Resampling a tally is as cheap for a million cells as for a hundred. Scores enter as bins, so that a metric of a tally
differs from that of its cells by less than a bin; point estimates are therefore taken from the cells (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from ..classifier.ensemble import CALIBRATION_BINS, confidence_bin

FINE_BINS = 16 * CALIBRATION_BINS
SCORE_BINS = 256


@dataclass(frozen=True)
class Tally:
    """Counts of cells for r resamples.

    Attributes
    ----------
    confusion
        shape (r, k, k): truth x label over the k types; cells of known truth.
    calibration
        shape (r, FINE_BINS, 2): cells of known truth by confidence, wrong and right.
    verdicts
        shape (r, 2, 2): known and unknown truth x not flagged and flagged as OOD.
    scores
        shape (r, 2, s): known and unknown truth by bin of the OOD score, ascending.
    """

    confusion: np.ndarray
    calibration: np.ndarray
    verdicts: np.ndarray
    scores: np.ndarray

    def resample(self, n: int, seed: int) -> Tally:
        """`n` draws of the cells with replacement (from a tally of one resample)."""
        rng = np.random.default_rng(seed)
        return Tally(*(_draw(rng, getattr(self, field.name), n) for field in fields(self)))


class Tallier:
    """Turns groups of cells into tallies that share types and score bins.

    Parameters
    ----------
    cells
        All cells, with the columns truth, known, label, confidence, ood_score and is_ood.
    """

    def __init__(self, cells: pd.DataFrame) -> None:
        self.types = sorted(set(cells.loc[cells["known"], "truth"]) | set(cells["label"]))
        self._edges = np.unique(np.quantile(cells["ood_score"], np.linspace(0, 1, SCORE_BINS + 1)[1:-1]))

    def __call__(self, cells: pd.DataFrame) -> Tally:
        """The tally of `cells`, one resample."""
        unknown = (~cells["known"]).to_numpy(int)
        known = cells[cells["known"]]
        truth, label = (pd.Categorical(known[name], self.types).codes.astype(int) for name in ("truth", "label"))
        score = np.searchsorted(self._edges, cells["ood_score"].to_numpy())
        return Tally(
            _cross(truth, label, (len(self.types), len(self.types))),
            _cross(confidence_bin(known["confidence"], FINE_BINS), truth == label, (FINE_BINS, 2)),
            _cross(unknown, cells["is_ood"], (2, 2)),
            _cross(unknown, score, (2, len(self._edges) + 1)),
        )


def resample_groups(tallies: Sequence[Tally], n: int, seed: int) -> Tally:
    """`n` draws of whole groups (patients) with replacement."""
    share = np.full(len(tallies), 1 / len(tallies))
    weights = np.random.default_rng(seed).multinomial(len(tallies), share, n)
    tables = (np.concatenate([getattr(tally, field.name) for tally in tallies]) for field in fields(Tally))
    return Tally(*(np.tensordot(weights, table, axes=1) for table in tables))


def metrics(tally: Tally) -> dict[str, np.ndarray]:
    """Label and OOD metrics, each of shape (r,); NaN where a resample does not define it."""
    flagged = _ratio(tally.verdicts[:, :, 1], tally.verdicts.sum(2))
    by_type = type_metrics(tally)
    return {
        "accuracy": _ratio(np.einsum("rkk->r", tally.confusion), tally.confusion.sum((1, 2))),
        "macro_f1": _nanmean(by_type["f1"]),
        "balanced_accuracy": _nanmean(by_type["recall"]),
        "ece": _calibration_error(tally.calibration),
        "ood_auroc": _auroc(tally.scores.astype(float)),
        "ood_aupr": _average_precision(tally.scores),
        "ood_recall": flagged[:, 1],
        "ood_false_alarm_rate": flagged[:, 0],
    }


def type_metrics(tally: Tally) -> dict[str, np.ndarray]:
    """Recall, precision and F1, each of shape (r, k); NaN for a type that does not occur in the truth."""
    hits = np.einsum("rkk->rk", tally.confusion)
    truth, label = tally.confusion.sum(2), tally.confusion.sum(1)
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
