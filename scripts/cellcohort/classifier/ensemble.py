"""Ensemble of label classifiers: weights fitted on held-out reference cells, and calibrated probabilities.

The members are the network's logits, the logits of a linear model, and typicality, minus the atypicality of the cell's
genes (`type_profiles`).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

MEMBERS = ("network", "linear", "typicality")
LEAST = 0.02  # of what all members say together, below which a member is dropped


def fit_weights(member_logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights (m,) of m members whose weighted sum suits held-out cells best, by cross-entropy; none is negative.

    A member that does not help beside the others, or says less than `LEAST` of them, gets 0. A penalty of one cell's
    weight on their distance from equal weights keeps them finite where every held-out cell is right.

    Parameters
    ----------
    member_logits
        Shape (m, n, n_labels).
    targets
        Label number of each cell, shape (n,).
    """
    scale = np.maximum(member_logits.reshape(len(member_logits), -1).std(1), 1e-6)
    members, rows = member_logits / scale[:, None, None], np.arange(len(targets))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        log_chance = log_softmax(np.tensordot(weights, members, 1), axis=1)
        error = np.exp(log_chance)
        error[rows, targets] -= 1
        value = ((weights - 1) ** 2).sum() - log_chance[rows, targets].sum()
        return value / len(rows), (np.tensordot(members, error, 2) + 2 * (weights - 1)) / len(rows)

    found = minimize(loss, np.ones(len(scale)), jac=True, bounds=[(0, None)] * len(scale), method="L-BFGS-B").x
    found[found < LEAST * found.sum()] = 0
    return (found if found.any() else np.ones(len(scale))) / scale


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
