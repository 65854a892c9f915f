"""The start of the additive workspace: exactly a linear model, its genes divided among slots by co-expression.

The slots' shares of a gene add up to 1, so the evidence alone gives the linear model's logits whatever the assignment;
votes start at 0. Training can only move away from it, and `training` keeps the start where nothing better comes.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pandas as pd
import torch
from sklearn.cluster import KMeans
from torch.nn import functional as F

from ..reference.splits import spread_sample
from .additive import AdditiveConfig, AdditiveWorkspace
from .gene_embedding import coexpression
from .linear import LinearModel, LinearModels, fit_linear
from .token_store import TokenStore
from .tokens import both_levels

ANCHOR = 3.0  # logit by which a gene prefers the slot of its own cluster: e^3 times the share of another
MAX_CELLS = 20_000  # on which the linear model is fitted, rare labels spared


@torch.no_grad()
def start_as_linear(
    model: AdditiveWorkspace, store: TokenStore, rows: np.ndarray, codes: np.ndarray, *, seed: int
) -> LinearModel:
    """Set the model's parameters so that its logits are those of a linear model of the cells `rows`, which is returned.

    Parameters
    ----------
    rows
        Rows of the store to learn from, ascending, shape (n,).
    codes
        Label number of each cell of the store.
    """
    config = model.config
    loadings = coexpression(store, rows, n_genes=config.n_genes, n_axes=config.d_slot)
    vectors = np.zeros((config.n_genes, config.d_slot))
    vectors[:, : loadings.shape[1]] = loadings / max(np.sqrt(np.square(loadings).mean()), 1e-12)
    model.gene.weight.copy_(torch.from_numpy(vectors))
    model.prior.weight.copy_(ANCHOR * F.one_hot(torch.from_numpy(clusters(vectors, config.n_slots)), config.n_slots))
    for parameter in evidence(model):
        parameter.zero_()
    linear = _fit(config, store, rows, codes, seed)
    _add_evidence(model, linear)
    return linear


def give_held_out_cells(
    model: AdditiveWorkspace, store: TokenStore, training: LinearModel, *, seed: int
) -> LinearModels:
    """Move the evidence from that of a linear model of the training cells to one of all cells, held-out ones included.

    What training added stays. Early stopping needs cells that the model has not seen, labels of new samples want all.

    Parameters
    ----------
    training
        The model's start (`start_as_linear`).

    Returns
    -------
    Both linear models, for `take_held_out_cells`.
    """
    models = LinearModels(training, _fit(model.config, store, np.arange(len(store)), store.codes, seed))
    _add_evidence(model, models.everything)
    _add_evidence(model, models.training, -1)
    return models


def take_held_out_cells(model: AdditiveWorkspace, models: LinearModels) -> None:
    """Take the held-out cells away again, for what is fitted on them."""
    _add_evidence(model, models.everything, -1)
    _add_evidence(model, models.training)


@torch.no_grad()
def move_to_genes(
    model: AdditiveWorkspace,
    store: TokenStore,
    fewer: TokenStore,
    codes: np.ndarray,
    measured: np.ndarray,
    *,
    seed: int,
) -> AdditiveWorkspace:
    """Move the evidence from that of a linear model of all genes to one of the measured genes.

    What training added stays for these genes, as far as the cells of `store` tell.

    Parameters
    ----------
    store, fewer
        Tokens of the same cells, of all genes and of the measured ones.
    codes
        Label number of each cell.
    measured
        Ascending token ids.

    Returns
    -------
    The model as it is when the held-out cells have not been given to it; `model` itself has them.
    """
    everything = np.arange(len(store))
    training = np.flatnonzero(store.cells["split"] == "train")
    _add_evidence(model, _fit(model.config, store, everything, codes, seed), -1)
    for parameter in (model.bin_evidence.weight, model.level_evidence.weight):
        kept = parameter[measured].clone()
        parameter.zero_()
        parameter[measured] = kept
    before = deepcopy(model)
    _add_evidence(before, _fit(model.config, fewer, training, codes, seed))
    _add_evidence(model, _fit(model.config, fewer, everything, codes, seed))
    return before


def evidence(model: AdditiveWorkspace) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The parameters that are a linear model: of bins and of levels (n_genes, n_labels), and the bias."""
    return model.bin_evidence.weight, model.level_evidence.weight, model.bias


def _fit(config: AdditiveConfig, store: TokenStore, rows: np.ndarray, codes: np.ndarray, seed: int) -> LinearModel:
    """Linear model of the cells `rows` on both levels, the bins' weights first."""
    chosen = rows[spread_sample(store.cells.iloc[rows], limit=MAX_CELLS, seed=seed)]
    return fit_linear(both_levels(store.read(chosen), config.n_genes, config.n_bins), codes[chosen], config.n_labels)


@torch.no_grad()
def _add_evidence(model: AdditiveWorkspace, linear: LinearModel, sign: int = 1) -> None:
    weight, bias = linear
    n_genes = model.config.n_genes
    for parameter, value in zip(evidence(model), (weight[:n_genes], weight[n_genes:], bias), strict=True):
        parameter += sign * torch.from_numpy(value).to(parameter.device)


def clusters(vectors: np.ndarray, n: int) -> np.ndarray:
    """Number of the cluster of each gene by the direction of its vector, int64, shape (n_genes,); 0 is the largest."""
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    found = KMeans(min(n, len(vectors)), n_init=4, random_state=0).fit_predict(directions)
    order = pd.Series(found).value_counts(sort=True).index
    return np.argsort(order.to_numpy())[found].astype(np.int64)
