"""The direct path: a class-balanced linear model of the labels on the expression bins, beside the workspace.

Linear models are the strongest simple annotators of unseen donors and platforms; the workspace stands beside one
instead of having to learn it again.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from .splits import spread_sample
from .tokens import Tokens, TokenStore

MAX_CELLS = 20_000
CELLS_PER_PENALTY = 500  # the ridge penalty is 1 / this, on the mean loss of a cell
IMPOSSIBLE = -30.0  # bias of a label that has no cell


def fit_direct(levels: sparse.csr_matrix, codes: np.ndarray, n_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n_genes, n_labels) and bias (n_labels,), float32, of the linear model, labels weighted equally.

    Parameters
    ----------
    levels
        `bin_levels` of n cells.
    codes
        Their label numbers, shape (n,), of at least two labels.
    """
    model = LogisticRegression(C=CELLS_PER_PENALTY / len(codes), class_weight="balanced", max_iter=500)
    model.fit(levels, codes)
    weights, biases = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one of the two
        weights, biases = np.vstack([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
    weight = np.zeros((levels.shape[1], n_labels), np.float32)
    bias = np.full(n_labels, IMPOSSIBLE, np.float32)
    weight[:, model.classes_], bias[model.classes_] = weights.T, biases
    return weight, bias


def read_levels(
    store: TokenStore, rows: np.ndarray, *, n_genes: int, n_bins: int, seed: int
) -> tuple[np.ndarray, sparse.csr_matrix]:
    """At most `MAX_CELLS` of the ascending `rows` of the store, a sample that spares rare labels, and their levels."""
    rows = rows[spread_sample(store.cells.iloc[rows], limit=MAX_CELLS, seed=seed)]
    return rows, bin_levels(store.read(rows), n_genes, n_bins)


def bin_levels(tokens: Tokens, n_genes: int, n_bins: int) -> sparse.csr_matrix:
    """Bins scaled to 0..1, shape (cells, n_genes); absent genes are 0."""
    return sparse.csr_matrix(
        (tokens.bins / np.float32(n_bins), tokens.genes.astype(np.int32), tokens.indptr), shape=(len(tokens), n_genes)
    )


def fit_mix(workspace: np.ndarray, direct: np.ndarray, targets: np.ndarray) -> torch.Tensor:
    """Weights (2,) of both paths' logits that suit held-out cells best: two temperatures, fitted together.

    A penalty of one cell's weight on their logarithms keeps them finite where every held-out cell is right.

    Parameters
    ----------
    workspace, direct
        Logits of the held-out cells, shape (n, n_labels).
    targets
        Their label numbers, shape (n,).
    """
    paths = torch.from_numpy(np.stack([workspace, direct])).double()
    labels = torch.from_numpy(targets)
    log_mix = torch.full((2,), -np.log(2), dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_mix], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = (log_mix.exp()[:, None, None] * paths).sum(0)
        loss = F.cross_entropy(logits, labels) + (log_mix**2).sum() / len(labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return log_mix.detach().exp().float()
