"""Detector of out-of-distribution (OOD) cells: a sum of standardised components with the null that they are held to.

A missing type is found by different signs in different tissues: low logits of all known types, genes on that its
nearest type keeps off (or the other way round), rare genes, or an unlike profile (`type_profiles.OOD_COMPONENTS`). The
score is their sum, each in units of reference cells that were compared with profiles fitted without their own donor.
How it was chosen, and against what, is in tests/benchmarks/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import median_abs_deviation

from ..classifier.cross_fit import OutOfFold
from .null import Null, fit_null


@dataclass(frozen=True)
class Detector:
    """Scores cells against the reference; `location` and `scale` are those of the reference's own cells.

    Attributes
    ----------
    location, scale
        Median and robust deviation of each component, shape (4,).
    null
        What reference cells of each label score.
    """

    location: list[float]
    scale: list[float]
    null: Null

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Detector:
        """The detector whose `dataclasses.asdict` is `content`."""
        return cls(content["location"], content["scale"], Null(**content["null"]))

    def score(self, components: np.ndarray) -> np.ndarray:
        """OOD score, shape (n,), of cells with `components` (n, 4): higher is less like the reference.

        It depends on the cell and the reference alone.
        """
        return ((components - self.location) / self.scale).sum(1)


def fit_detector(
    out_of_fold: OutOfFold, neighbours: np.ndarray, n_labels: int, chosen: np.ndarray | None = None
) -> Detector:
    """Calibrate the score on reference cells that were scored without their own fold.

    Parameters
    ----------
    neighbours
        Each cell's nearest among the scored cells of its group (`neighbourhoods.nearest_in_groups`), shape (n, MOST).
    chosen
        Cells to calibrate on, whole groups, shape (n,), bool; all by default.
    """
    cells = out_of_fold.scored if chosen is None else out_of_fold.scored & chosen
    components = out_of_fold.ood_components[cells]
    location = np.median(components, 0)
    scale = np.maximum(median_abs_deviation(components, axis=0, scale="normal"), 1e-6)
    scores = ((components - location) / scale).sum(1)
    places = np.cumsum(cells) - 1
    null = fit_null(scores, out_of_fold.types[cells], places[neighbours[cells]], n_labels)
    return Detector(location.tolist(), scale.tolist(), null)
