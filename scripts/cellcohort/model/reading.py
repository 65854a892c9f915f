"""Readings of a network: what its workspace says of each token of a cell, slot by slot.

Of the additive workspace these are exact parts of its logits; of the published one, attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .additive import AdditiveOutput, AdditiveWorkspace
from .inference import to_tensors
from .network import CellMemoryOutput
from .presets import Network, Output
from .tokens import Tokens


@dataclass(frozen=True)
class Reading:
    """What a workspace says of n tokens.

    Attributes
    ----------
    by_slot
        Shape (n, S). Additive: what the token adds through the slot to the cell's contrast of logits. Published: the
        share of the slot's reading that the token has.
    of_gene
        Shape (n,). Additive: the sum over slots. Published: what CLS takes of each slot, times `by_slot`.
    exact
        Whether these are parts of the logits (additive).
    """

    by_slot: np.ndarray
    of_gene: np.ndarray
    exact: bool


@torch.inference_mode()
def read_workspace(network: Network, tokens: Tokens, output: Output, contrast: np.ndarray) -> Reading:
    """What the workspace says of the tokens of B cells.

    Parameters
    ----------
    output
        Of these cells, with attention.
    contrast
        Weights of the logits in the sum that is divided among the tokens of each cell, shape (B, n_labels).
    """
    inside = torch.from_numpy(np.arange(tokens.lengths.max(initial=0)) < tokens.lengths[:, None])
    if isinstance(output, AdditiveOutput):
        assert isinstance(network, AdditiveWorkspace)
        device = output.logits.device
        genes, bins, mask, levels = to_tensors(tokens, device, levels=True)
        weights = torch.from_numpy(contrast.astype(np.float32)).to(device)
        parts = network.contributions(genes, bins, mask, levels, assignment=output.assignment, labels=weights)
        by_slot = parts.cpu()[inside].double().numpy()
        return Reading(by_slot, by_slot.sum(1), exact=True)
    return _attention(output, tokens.lengths, inside)


def _attention(output: CellMemoryOutput, lengths: np.ndarray, inside: torch.Tensor) -> Reading:
    assert output.read is not None  # both are there after a run with attention=True
    assert output.received is not None
    read = output.read[:, :, 1:].transpose(1, 2).cpu()[inside].double().numpy()
    received = np.repeat(output.received.cpu().double().numpy(), lengths, axis=0)
    return Reading(read, (read * received).sum(1), exact=False)
