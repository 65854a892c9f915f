"""The size of logits: as large as held-out cells bear, whatever it was in training."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

LOG_SIZES = (-10.0, 10.0)  # between which the logarithm is looked for, of logits of unit deviation


def fit_size(logits: np.ndarray, targets: np.ndarray) -> float:
    """The inverse temperature at which logits (n, n_labels) suit held-out cells best (Guo et al., ICML 2017).

    A penalty of one cell's weight on its logarithm keeps it finite where every cell is right.
    """
    scale, rows = max(float(logits.std()), 1e-6), np.arange(len(targets))

    def loss(log_size: float) -> float:
        chance = log_softmax(np.exp(log_size) / scale * logits, axis=1)[rows, targets]
        return float((log_size**2 - chance.sum()) / len(rows))

    return float(np.exp(minimize_scalar(loss, bounds=LOG_SIZES, method="bounded").x)) / scale
