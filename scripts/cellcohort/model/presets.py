"""The two networks that a model can be: the published one and the additive workspace; their presets and their start."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch

from .additive import AdditiveConfig, AdditiveOutput, AdditiveWorkspace
from .additive_start import start_as_linear
from .gene_embedding import gene_embedding
from .linear import LinearModel
from .network import CellMemory, CellMemoryOutput, ModelConfig
from .token_store import TokenStore

Config: TypeAlias = ModelConfig | AdditiveConfig
Network: TypeAlias = CellMemory | AdditiveWorkspace
Output: TypeAlias = CellMemoryOutput | AdditiveOutput
CONFIGS: dict[str, type[Config]] = {"transformer": ModelConfig, "additive": AdditiveConfig}
"""Sizes of a network by the name that a bundle gives it."""
PRESETS: dict[str, Callable[..., Config]] = {
    "additive": AdditiveConfig,
    "paper": ModelConfig,
    "small": partial(ModelConfig, d_model=128, d_ff=256, broadcast="cls"),
}
"""Sizes by `model.preset`, called with n_genes and n_labels."""
VOTE_RATE = 10.0  # learning rate of the votes, which start at 0, in those of what starts where it should be


def network_name(config: Config) -> str:
    """The network of these sizes, as a bundle names it."""
    return next(name for name, kind in CONFIGS.items() if isinstance(config, kind))


def make_network(config: Config) -> Network:
    """A network of these sizes with random weights."""
    return AdditiveWorkspace(config) if isinstance(config, AdditiveConfig) else CellMemory(config)


@torch.no_grad()
def set_start(network: Network, store: TokenStore, rows: np.ndarray, *, seed: int) -> LinearModel | None:
    """Set the weights from which training starts, by the cells `rows` (ascending); returns the linear model that the
    network now is, if it is one."""
    if isinstance(network, AdditiveWorkspace):
        return start_as_linear(network, store, rows, store.codes, seed=seed)
    sizes = {"n_genes": network.config.n_genes, "width": network.config.d_model}
    network.embedding.gene.weight.copy_(gene_embedding(store, rows, **sizes, seed=seed))
    return None


def parameter_groups(network: Network, *, weight_decay: float) -> list[dict[str, Any]]:
    """The parameters for an optimizer; `rate` is a group's learning rate in units of the run's."""
    if isinstance(network, CellMemory):
        return [{"params": list(network.parameters()), "rate": 1.0, "weight_decay": weight_decay}]
    started = [parameter for name, parameter in network.named_parameters() if name != "vote"]
    return [
        {"params": started, "rate": 1.0, "weight_decay": 0.0},
        {"params": [network.vote], "rate": VOTE_RATE, "weight_decay": weight_decay},
    ]
