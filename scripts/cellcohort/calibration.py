"""From logits to honest probabilities: one temperature, fitted on held-out reference cells."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature that minimises the cross-entropy of held-out cells (Guo et al., ICML 2017).

    Parameters
    ----------
    logits
        Shape (n, n_labels).
    targets
        Label number of each cell, shape (n,).
    """
    scores, labels = torch.from_numpy(logits).double(), torch.from_numpy(targets)
    log_temperature = torch.zeros((), dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(scores / log_temperature.exp(), labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return float(np.clip(log_temperature.detach().exp().item(), 0.05, 100.0))


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Calibrated probabilities, float64, shape (n, n_labels)."""
    scaled = logits.astype(np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)
