"""Ensemble of label classifiers: weights fitted on held-out reference cells, and calibrated probabilities.

The members are the network's logits, the logits of a linear model, and typicality, minus the atypicality of the cell's
genes (`type_profiles`). Each weight is an inverse temperature of its member (Guo et al., ICML 2017); all are fitted
together.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import softmax
from torch.nn import functional as F

MEMBERS = ("network", "linear", "typicality")


def fit_weights(member_logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights (m,) of m members whose weighted sum suits held-out cells best, by cross-entropy.

    A penalty of one cell's weight on their logarithms keeps them finite where every held-out cell is right.

    Parameters
    ----------
    member_logits
        Shape (m, n, n_labels).
    targets
        Label number of each cell, shape (n,).
    """
    given, labels = torch.from_numpy(member_logits).double(), torch.from_numpy(targets)
    scale = given.flatten(1).std(1).clamp_min(1e-6)
    log_weights = torch.zeros(len(given), dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_weights], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = ((log_weights.exp() / scale)[:, None, None] * given).sum(0)
        loss = F.cross_entropy(logits, labels) + (log_weights**2).sum() / len(labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return (log_weights.detach().exp() / scale).numpy()


def probabilities(member_logits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Probabilities of the labels, float64, shape (n, n_labels): softmax of the members' weighted sum.

    Parameters
    ----------
    member_logits
        Shape (m, n, n_labels).
    weights
        Of the members, shape (m,).
    """
    return softmax(np.tensordot(np.asarray(weights, np.float64), member_logits, 1), axis=1)
