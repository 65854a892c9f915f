"""Linear label classifier: class-balanced ridge logistic regression on levels of expression.

Linear models are the strongest simple annotators of unseen donors and platforms: the additive workspace starts as one,
and the classifier has one on scaled bins beside the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file, save
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from ..core.files import write_bytes

CELLS_PER_PENALTY = 500  # the ridge penalty is 1 / this, on the mean loss of a cell
IMPOSSIBLE = -30.0  # bias of a label that has no cell


class LinearModel(NamedTuple):
    """Weights (k, n_labels) and bias (n_labels,), float32."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class LinearModels:
    """Linear models of a reference: of its training cells, and of all its cells, held-out ones included."""

    training: LinearModel
    everything: LinearModel


def fit_linear(levels: sparse.csr_matrix, codes: np.ndarray, n_labels: int) -> LinearModel:
    """The linear model of n cells, labels weighted equally.

    Parameters
    ----------
    levels
        Levels of genes in n cells, about 0 to 1 (`tokens.scale_bins`), shape (n, k).
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
    return LinearModel(weight, bias)


def write_linear_models(path: str | Path, models: LinearModels | None) -> None:
    """Write the models, or a file without tensors for a network that does not start as one."""
    parts = vars(models).items() if models else ()
    write_bytes(path, save({f"{name}.{key}": value for name, part in parts for key, value in part._asdict().items()}))


def read_linear_models(path: str | Path) -> LinearModels | None:
    """The models of a file of `write_linear_models`."""
    tensors = load_file(path)
    if not tensors:
        return None
    names = ("training", "everything")
    return LinearModels(*(LinearModel(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in names))
