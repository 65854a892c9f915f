"""Expected calibration error of a classifier: confidence against accuracy over bins of confidence."""

from __future__ import annotations

import numpy as np
import pandas as pd

CALIBRATION_BINS = 15


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over 15 equal bins of confidence, weighted by their cells."""
    bins = confidence_bin(confidence, CALIBRATION_BINS)
    gap = np.bincount(bins, confidence, CALIBRATION_BINS) - np.bincount(bins, correct, CALIBRATION_BINS)
    return float(np.abs(gap).sum() / len(confidence))


def confidence_bin(confidence: pd.Series | np.ndarray, bins: int) -> np.ndarray:
    """The equal-width bin of each confidence; 1 belongs to the last."""
    return np.minimum((np.asarray(confidence, float) * bins).astype(int), bins - 1)
