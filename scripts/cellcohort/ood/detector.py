"""Detector of out-of-distribution (OOD) cells: a sum of standardised components with conformal p-values.

A missing type is found by different signs in different tissues: low logits of all known types, genes on that its
nearest type keeps off (or the other way round), rare genes, or an unlike profile (`type_profiles.OOD_COMPONENTS`). The
score is their sum, each in units of reference cells that were compared with profiles fitted without their own donor.
How it was chosen, and against what, is in tests/benchmarks/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import median_abs_deviation

from ..classifier.cross_fit import OutOfFold

MIN_CALIBRATION = 100  # reference cells of a label, below which its p-values come from all labels together
MAX_CALIBRATION = 5_000  # scores kept for a label


@dataclass(frozen=True)
class Detector:
    """Scores cells against the reference; `location` and `scale` are those of the reference's own cells.

    Attributes
    ----------
    location, scale
        Median and robust deviation of each component, shape (4,).
    calibration
        Ascending scores of reference cells for each label, and for all of them under "".
    """

    location: tuple[float, ...]
    scale: tuple[float, ...]
    calibration: dict[str, list[float]]

    def score(self, components: np.ndarray) -> np.ndarray:
        """OOD score, shape (n,), of cells with `components` (n, 4): higher is less like the reference.

        It depends on the cell and the reference alone.
        """
        return ((components - self.location) / self.scale).sum(1)

    def pvalue(self, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Conformal p-value, shape (n,): share of reference cells of the same label that score at least as high."""
        pvalues = np.empty(len(scores))
        for label in np.unique(labels):
            reference = self.reference_scores(label)
            cells = labels == label
            higher = len(reference) - np.searchsorted(reference, scores[cells], side="left")
            pvalues[cells] = (1 + higher) / (1 + len(reference))
        return pvalues

    def reference_scores(self, label: str) -> np.ndarray:
        """Ascending scores of the reference cells to which cells of the label are compared."""
        return np.array(self.calibration.get(label, self.calibration[""]))


def fit_detector(out_of_fold: OutOfFold, names: np.ndarray, chosen: np.ndarray | None = None) -> Detector:
    """Calibrate the score on reference cells that were scored without their own fold.

    Parameters
    ----------
    names
        The labels, shape (L,): the condition under which a p-value is asked for is the label given.
    chosen
        Cells to calibrate on, shape (n,), bool; all by default.
    """
    cells = out_of_fold.scored if chosen is None else out_of_fold.scored & chosen
    components, labels = out_of_fold.ood_components[cells], names[out_of_fold.types[cells]]
    location = np.median(components, 0)
    scale = np.maximum(median_abs_deviation(components, axis=0, scale="normal"), 1e-6)
    scores = ((components - location) / scale).sum(1)
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
