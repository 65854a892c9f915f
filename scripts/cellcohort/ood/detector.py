"""Out-of-distribution cells: how strange a cell looks to the reference, and a conformal p-value for it.

A missing type is found by different signs in different tissues: little evidence for any known type, genes on that its
nearest type keeps off (or the other way round), rare genes, or an unlike profile (`profiles.VIEWS`). The score is their
sum, each in units of reference cells that were judged without their own donor. How it was chosen, and against what, is
in tests/benchmarks/README.md (issue 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..classifier.cross_fit import OutOfFold

MIN_CALIBRATION = 100  # reference cells of a label, below which its p-values come from all labels together
MAX_CALIBRATION = 5_000  # scores kept for a label


@dataclass(frozen=True)
class Detector:
    """Scores cells against the reference; `location` and `scale` are those of the reference's own cells.

    Attributes
    ----------
    location, scale
        Median and robust deviation of each view.
    calibration
        Ascending scores of reference cells for each label, and for all of them under "".
    """

    location: tuple[float, ...]
    scale: tuple[float, ...]
    calibration: dict[str, list[float]]

    def score(self, views: np.ndarray) -> np.ndarray:
        """Higher is stranger; depends on the cell and the reference alone. `views` (n, 4), the score (n,)."""
        return ((views - self.location) / self.scale).sum(1)

    def pvalue(self, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Share of reference cells of the same label that are at least as strange (conformal), shape (n,)."""
        pvalues = np.empty(len(scores))
        for label in np.unique(labels):
            known = self.known(label)
            cells = labels == label
            stranger = len(known) - np.searchsorted(known, scores[cells], side="left")
            pvalues[cells] = (1 + stranger) / (1 + len(known))
        return pvalues

    def known(self, label: str) -> np.ndarray:
        """Ascending scores of the reference cells to which cells of the label are compared."""
        return np.array(self.calibration.get(label, self.calibration[""]))


def fit_detector(seen: OutOfFold, names: np.ndarray, chosen: np.ndarray | None = None) -> Detector:
    """Calibrate the score on reference cells that were judged without their own fold.

    Parameters
    ----------
    names
        The labels, shape (L,): the condition under which a p-value is asked for is the label given.
    chosen
        Cells to calibrate on, shape (n,), bool; all by default.
    """
    cells = seen.judged if chosen is None else seen.judged & chosen
    views, labels = seen.views[cells], names[seen.types[cells]]
    location = np.median(views, 0)
    scale = np.maximum(1.4826 * np.median(np.abs(views - location), 0), 1e-6)
    scores = ((views - location) / scale).sum(1)
    calibration = {"": _summary(scores)}
    for label in np.unique(labels):
        if (labels == label).sum() >= MIN_CALIBRATION:
            calibration[str(label)] = _summary(scores[labels == label])
    return Detector(tuple(location.tolist()), tuple(scale.tolist()), calibration)


def _summary(scores: np.ndarray) -> list[float]:
    """Ascending scores, thinned to quantiles when they are many."""
    if len(scores) > MAX_CALIBRATION:
        scores = np.quantile(scores, np.linspace(0, 1, MAX_CALIBRATION))
    return np.sort(scores).tolist()
