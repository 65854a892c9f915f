"""From three readings of a cell to honest probabilities, by weights that held-out reference cells fit.

The readings of a label: the workspace's logit, the linear evidence, and minus the atypicality of the cell's genes
(`profiles`). Each weight is a temperature of its reading (Guo et al., ICML 2017), all fitted together.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

READINGS = ("workspace", "evidence", "typicality")


def fit_mix(readings: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights (r,) of r readings whose sum suits held-out cells best, by cross-entropy.

    A penalty of one cell's weight on their logarithms keeps them finite where every held-out cell is right.

    Parameters
    ----------
    readings
        Shape (r, n, n_labels).
    targets
        Label number of each cell, shape (n,).
    """
    given, labels = torch.from_numpy(readings).double(), torch.from_numpy(targets)
    scale = given.flatten(1).std(1).clamp_min(1e-6)
    log_mix = torch.zeros(len(given), dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_mix], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = ((log_mix.exp() / scale)[:, None, None] * given).sum(0)
        loss = F.cross_entropy(logits, labels) + (log_mix**2).sum() / len(labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return (log_mix.detach().exp() / scale).numpy()


def probabilities(readings: np.ndarray, mix: np.ndarray) -> np.ndarray:
    """Probabilities, float64, shape (n, n_labels), of `readings` (r, n, n_labels) with weights `mix` (r,)."""
    logits = np.tensordot(np.asarray(mix, np.float64), readings, 1)
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over 15 equal bins of confidence, weighted by their cells."""
    bins = confidence_bin(confidence, CALIBRATION_BINS)
    gap = np.bincount(bins, confidence, CALIBRATION_BINS) - np.bincount(bins, correct, CALIBRATION_BINS)
    return float(np.abs(gap).sum() / len(confidence))


CALIBRATION_BINS = 15


def confidence_bin(confidence: pd.Series | np.ndarray, bins: int) -> np.ndarray:
    """The equal-width bin of each confidence; 1 belongs to the last."""
    return np.minimum((np.asarray(confidence, float) * bins).astype(int), bins - 1)
