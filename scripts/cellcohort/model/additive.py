"""The additive workspace: memory slots compete for a cell's genes, and the logits are an exact sum over what they won.

A slot's share of a gene is a softmax over slots, not over genes as in `network`, so that a gene's shares add up to 1. A
gene speaks for labels by itself (`evidence`, a linear model of its bin and of its level) and through the content of
the slots that hold it. With the assignment given, a logit is a sum over gene -> slot -> label: the two levels at which
the published model is read (genes, slots) are readings of that one sum. Notation of the shapes: B cells, T tokens,
S slots, W width of a slot, L labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .slot_evidence import collect, divide


@dataclass(frozen=True)
class AdditiveConfig:
    """Sizes of the additive workspace.

    Attributes
    ----------
    n_genes, n_labels
        Size of the vocabulary and number of reference types.
    d_model
        Width of a cell's embedding: of all its slots together.
    """

    n_genes: int
    n_labels: int
    n_bins: int = 50
    d_model: int = 256
    n_slots: int = 8
    reads_levels: ClassVar[bool] = True
    bins_by_value: ClassVar[bool] = False

    @property
    def d_slot(self) -> int:
        """Width of a slot."""
        return self.d_model // self.n_slots


@dataclass(frozen=True)
class AdditiveOutput:
    """Output of the model for B cells.

    Attributes
    ----------
    logits
        Shape (B, n_labels).
    embedding
        The slots, one after the other, shape (B, d_model).
    assignment
        The slots' shares of each token, shape (B, T, S); they sum to 1 over slots.
    """

    logits: Tensor
    embedding: Tensor
    assignment: Tensor


class AdditiveWorkspace(nn.Module):
    """The model.

    Parameters
    ----------
    config
        Sizes.
    """

    def __init__(self, config: AdditiveConfig):
        super().__init__()
        n_genes, n_labels, n_slots, width = config.n_genes, config.n_labels, config.n_slots, config.d_slot
        self.config = config
        self.gene = nn.Embedding(n_genes, width)
        self.bin_evidence = nn.Embedding(n_genes, n_labels)
        self.level_evidence = nn.Embedding(n_genes, n_labels)
        self.prior = nn.Embedding(n_genes, n_slots)
        self.feedback = nn.Parameter(torch.eye(width))
        self.gain = nn.Parameter(torch.ones(n_slots, n_labels))
        self.vote = nn.Parameter(torch.zeros(n_slots, n_labels, width))
        self.bias = nn.Parameter(torch.zeros(n_labels))

    def forward(
        self, genes: Tensor, bins: Tensor, mask: Tensor, levels: Tensor, *, attention: bool = False
    ) -> AdditiveOutput:
        """Read B cells.

        Parameters
        ----------
        genes, bins
            Token ids and expression bins, int64, shape (B, T).
        mask
            True on tokens, false on padding, shape (B, T).
        levels
            Levels of the tokens (`tokens.Tokens`), float32, 0 on padding, shape (B, T).
        attention
            Asked of every model; this one has its assignment at hand anyway.
        """
        content, share = self._content(genes, bins, mask)
        assignment = self._assign(genes, content, share)
        memory = assignment.transpose(1, 2) @ (share * content)
        evidence = collect(assignment, *self._said(genes, bins, mask, levels))
        by_slot = self.gain * evidence + torch.einsum("bsw,slw->bsl", memory, self.vote)
        return AdditiveOutput((self.bias + by_slot.sum(1)).float(), memory.flatten(1), assignment)

    def contributions(
        self, genes: Tensor, bins: Tensor, mask: Tensor, levels: Tensor, *, assignment: Tensor, labels: Tensor
    ) -> Tensor:
        """What each token adds through each slot to a weighted sum of the logits, shape (B, T, S), 0 on padding.

        Parameters
        ----------
        assignment
            As in the output.
        labels
            Weights of the logits in each cell's sum, shape (B, L). All contributions of a cell add up to that sum,
            less that of the biases.
        """
        content, share = self._content(genes, bins, mask)
        evidence = divide(labels[:, None] * self.gain, *self._said(genes, bins, mask, levels))
        votes = torch.einsum("bl,slw->bws", labels, self.vote)
        return assignment * (evidence + (share * content) @ votes)

    def _content(self, genes: Tensor, bins: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens' vectors (B, T, W) and their shares (B, T, 1) of the cell's expression bins."""
        level = (bins * mask).to(self.gene.weight.dtype)
        return self.gene(genes), (level / level.sum(1, keepdim=True).clamp_min(1))[:, :, None]

    def _assign(self, genes: Tensor, content: Tensor, share: Tensor) -> Tensor:
        """The slots' shares of the tokens (B, T, S): their prior, moved by what the slots hold under the prior."""
        prior = self.prior(genes)
        memory = F.softmax(prior, 2).transpose(1, 2) @ (share * content)
        return F.softmax(prior + content @ (memory @ self.feedback).transpose(1, 2), 2)

    def _said(self, genes: Tensor, bins: Tensor, mask: Tensor, levels: Tensor) -> tuple[Tensor, ...]:
        """What tells what each token says of each label by itself (`slot_evidence`)."""
        bin_level = (bins * mask / self.config.n_bins).to(levels.dtype)
        return genes, bin_level, levels, self.bin_evidence.weight, self.level_evidence.weight
