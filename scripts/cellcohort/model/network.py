"""CellMemory: a transformer whose memory slots read a cell's genes, compete, and broadcast back.

The model of Genome Biology 26:178 (2025), with padding masked and the attention of the few slots folded through the
projections of the many tokens. Notation of the shapes: B cells, T tokens (the CLS token first), D model width,
S memory slots, H heads, K key width of a head, V = D / H value width of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

CACHED_ROWS = 512  # tokens whose feed-forward fits into a core's cache


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the model; the defaults are the published ones.

    Attributes
    ----------
    n_genes, n_labels
        Size of the vocabulary and number of reference types.
    broadcast
        "cells": every token receives the slots' broadcast in every layer (published). "cls": the tokens are read-only
        and the CLS token alone receives it, so that a token is projected once, whatever the number of layers.
    all_genes
        Whether silent genes are tokens too, of bin 0, and every gene has a place of its own in front of the first layer
        (the published `full` mode). Trained models have expressed genes alone.
    bins_by_value
        Whether bins are of a gene's value (the published `bin_norm`) and not of the cell's quantiles, as in trained
        models.
    """

    n_genes: int
    n_labels: int
    n_bins: int = 50
    d_model: int = 256
    d_ff: int = 512
    d_key: int = 32
    n_heads: int = 4
    n_slots: int = 8
    n_layers: int = 4
    dropout: float = 0.1
    broadcast: str = "cells"
    all_genes: bool = False
    bins_by_value: bool = False
    reads_levels: ClassVar[bool] = False


@dataclass(frozen=True)
class CellMemoryOutput:
    """Output of the model for B cells.

    Attributes
    ----------
    logits
        Shape (B, n_labels).
    embedding
        The CLS token, shape (B, D).
    memory
        State of the slots after the last layer, shape (B, S, D).
    read
        What each slot reads in the last layer, shape (B, S, T), mean over heads; sums to 1 over tokens (L2).
        None unless asked for.
    received
        How much of each slot the CLS token takes in the last layer, shape (B, S), sums to 1; with `read` it makes
        the gene scores (L1). None unless asked for.
    """

    logits: Tensor
    embedding: Tensor
    memory: Tensor
    read: Tensor | None = None
    received: Tensor | None = None


class Dropout(nn.Module):
    """Dropout; on the CPU, where random numbers are dear, by one random byte an element: p in steps of 1/256."""

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or x.device.type != "cpu":
            return F.dropout(x, self.p, self.training)
        dropped = round(256 * self.p)
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        keep = words.view(torch.uint8)[: x.numel()].view(x.shape) >= dropped
        return x * keep.to(x.dtype).mul_(256 / (256 - dropped))


class Embedding(nn.Module):
    """Tokens to vectors: LayerNorm(gene + bin), with `all_genes` plus a place; the learned CLS token in front."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.gene = nn.Embedding(config.n_genes, config.d_model)
        self.bin = nn.Embedding(config.n_bins + 1, config.d_model)
        self.norm = nn.LayerNorm(config.d_model)
        self.dropout = Dropout(config.dropout)
        self.cls = nn.Parameter(torch.randn(config.d_model))
        self.place = nn.Embedding(config.n_genes, config.d_model) if config.all_genes else None

    def forward(self, genes: Tensor, bins: Tensor) -> Tensor:
        tokens = self.dropout(self.norm(self.gene(genes) + self.bin(bins)))
        if self.place is not None:
            tokens = tokens + self.place(genes)
        return torch.cat([self.cls.expand(len(genes), 1, -1), tokens], dim=1)


class Attention(nn.Module):
    """Unscaled attention between few slots and many tokens through one set of projections.

    The slots' side is folded through the tokens' projections: a slot's query q meets a token u as
    q . (W_key u) = (W_key' q) . u, so no key, query or value is ever computed for a token.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.heads, self.d_key, self.d_value = config.n_heads, config.d_key, config.d_model // config.n_heads
        self.query = nn.Linear(config.d_model, config.n_heads * config.d_key)
        self.key = nn.Linear(config.d_model, config.n_heads * config.d_key)
        self.value = nn.Linear(config.d_model, config.d_model)

    def write(self, memory: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Slots (B, S, D) read tokens (B, T, D): the attended values (B, S, D) and weights (B, H, S, T)."""
        query = self._by_head(self.query(memory))
        folded = torch.einsum("bhsk,hkd->bhsd", query, self.key.weight.unflatten(0, (self.heads, -1))).flatten(1, 2)
        scores = folded @ tokens.transpose(1, 2)  # the key's bias shifts all tokens of a slot alike: softmax drops it
        weights = scores.masked_fill_(~mask[:, None], -torch.inf).softmax(-1)
        pooled = (weights @ tokens).unflatten(1, (self.heads, -1))
        values = torch.einsum("bhsd,hvd->bshv", pooled, self.value.weight.unflatten(0, (self.heads, -1)))
        return values.flatten(2) + self.value.bias, weights.unflatten(1, (self.heads, -1))

    def broadcast(self, memory: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, D) read slots (B, S, D): the attended values (B, T, D) and weights (B, H, S, T)."""
        key = self._by_head(self.key(memory))
        folded = torch.einsum("bhsk,hkd->bhsd", key, self.query.weight.unflatten(0, (self.heads, -1))).flatten(1, 2)
        bias = torch.einsum("bhsk,hk->bhs", key, self.query.bias.unflatten(0, (self.heads, -1))).flatten(1)
        scores = torch.baddbmm(bias[:, :, None], folded, tokens.transpose(1, 2))  # tokens last: a softmax over
        weights = scores.unflatten(1, (self.heads, -1)).softmax(2)  # eight neighbours in memory would be slow
        return weights.flatten(1, 2).transpose(1, 2) @ self._block_diagonal(self.value(memory)), weights

    def _by_head(self, projected: Tensor) -> Tensor:
        return projected.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def _block_diagonal(self, values: Tensor) -> Tensor:
        """Values (B, S, D) as (B, H * S, D), each head's rows zero outside that head's columns."""
        eye = torch.eye(self.heads, dtype=values.dtype, device=values.device)
        by_head = self._by_head(values)[:, :, :, None] * eye[:, None, :, None]
        return by_head.flatten(3).flatten(1, 2)


class Gates(nn.Module):
    """Input and forget gates of the memory, as in an LSTM, a weight per slot (published: unit gates)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        bound = (2 * config.d_model) ** -0.5
        self.scale = nn.Parameter(torch.randn(config.d_model))
        self.tokens = nn.Linear(config.d_model, 2 * config.d_model)
        self.weight = nn.Parameter(
            torch.empty(config.n_slots, config.d_model, 2 * config.d_model).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(torch.empty(config.n_slots, 2 * config.d_model).uniform_(-bound, bound))
        self.input_bias = nn.Parameter(torch.tensor(0.0))
        self.forget_bias = nn.Parameter(torch.tensor(1.0))

    def forward(self, memory: Tensor, candidate: Tensor, tokens: Tensor, token_weights: Tensor) -> Tensor:
        """New memory (B, S, D); `token_weights` (B, 1, T) is 1 / n on a cell's n tokens and 0 on padding."""
        gate = torch.einsum("bsd,sde->bse", memory.tanh(), self.weight) + self.bias
        # the mean of relu(scale * token) over tokens, as relu(a * b) = (a * b + |a| * |b|) / 2
        level = 0.5 * (self.scale * (token_weights @ tokens) + self.scale.abs() * (token_weights @ tokens.abs()))
        gate = gate + self.tokens(level)
        take, keep = gate.chunk(2, dim=-1)
        take, keep = torch.sigmoid(take + self.input_bias), torch.sigmoid(keep + self.forget_bias)
        return take * candidate.tanh() + keep * memory


def _residual_sum(update: Tensor, x: Tensor) -> Tensor:
    """The sum, in the memory of `update` unless autocast gave it less precision than the residual `x`."""
    return update.add_(x) if update.dtype == x.dtype else x + update


class Workspace(nn.Module):
    """One layer: tokens are written into the memory, the memory is gated and broadcast back."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width = config.d_model
        self.norm_in, self.norm_ff = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project = nn.Linear(width, width)
        self.attention = Attention(config)
        self.norm_read, self.norm_memory = nn.LayerNorm(width), nn.LayerNorm(width)
        self.memory_mlp = nn.Linear(width, width)
        self.gates = Gates(config)
        self.ff = nn.Sequential(nn.Linear(width, config.d_ff), nn.ReLU(inplace=True), nn.Linear(config.d_ff, width))
        self.dropout = Dropout(config.dropout)

    def project_tokens(self, x: Tensor) -> Tensor:
        """The form (B, T, D) in which the slots read tokens."""
        return self.project(self.norm_in(x))

    def write(self, memory: Tensor, tokens: Tensor, mask: Tensor, token_weights: Tensor) -> tuple[Tensor, Tensor]:
        """New memory (B, S, D) and the slots' reading weights (B, H, S, T)."""
        attended, weights = self.attention.write(memory, tokens, mask)
        candidate = self.norm_read(memory + attended)
        candidate = self.norm_memory(candidate + F.relu(self.memory_mlp(candidate)))
        return self.gates(memory, candidate, tokens, token_weights), weights

    def broadcast(self, x: Tensor, tokens: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens x (B, T, D) after the broadcast and the feed-forward, and their weights (B, H, S, T)."""
        attended, weights = self.attention.broadcast(memory, tokens)
        rows = _residual_sum(self.dropout(attended), x).flatten(0, 1)
        if rows.device.type == "cpu" and not torch.is_grad_enabled():
            for some in rows.split(CACHED_ROWS):
                some += self.ff(self.norm_ff(some))
        else:
            rows = _residual_sum(self.dropout(self.ff(self.norm_ff(rows))), rows)
        return rows.view(x.shape), weights


class CellMemory(nn.Module):
    """The model; its layers share their weights.

    Parameters
    ----------
    config
        Sizes.

    Attributes
    ----------
    measured
        Ascending token ids of the genes that the cells' sample measures: with `all_genes`, those that become tokens.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.measured: np.ndarray = np.arange(config.n_genes)
        self.embedding = Embedding(config)
        self.workspace = Workspace(config)
        self.head = nn.Linear(config.d_model, config.n_labels)

    def forward(self, genes: Tensor, bins: Tensor, mask: Tensor, *, attention: bool = False) -> CellMemoryOutput:
        """Read B cells.

        Parameters
        ----------
        genes, bins
            Token ids and expression bins, int64, shape (B, T).
        mask
            True on tokens, false on padding, shape (B, T).
        attention
            Whether to return the attention maps of the last layer.
        """
        mask = F.pad(mask, (1, 0), value=True)
        token_weights = (mask / mask.sum(1, keepdim=True))[:, None]
        x = self.embedding(genes, bins)
        memory = torch.eye(self.config.n_slots, self.config.d_model, device=x.device).expand(len(x), -1, -1)
        if self.config.broadcast == "cells":
            x, memory, read, received = self._broadcast_to_cells(x, memory, mask, token_weights.to(x.dtype))
        else:
            x, memory, read, received = self._broadcast_to_cls(x, memory, mask, token_weights.to(x.dtype))
        cls = x[:, 0]
        logits = self.head(cls).float()
        if not attention:
            return CellMemoryOutput(logits, cls, memory)
        return CellMemoryOutput(logits, cls, memory, read.mean(1), received[..., 0].mean(1))

    def _broadcast_to_cells(self, x: Tensor, memory: Tensor, mask: Tensor, token_weights: Tensor):
        for layer in range(self.config.n_layers):
            tokens = self.workspace.project_tokens(x)
            memory, read = self.workspace.write(memory, tokens, mask, token_weights)
            if layer == self.config.n_layers - 1:  # nothing reads the other tokens any more
                x, tokens = x[:, :1], tokens[:, :1]
            x, received = self.workspace.broadcast(x, tokens, memory)
        return x, memory, read, received

    def _broadcast_to_cls(self, x: Tensor, memory: Tensor, mask: Tensor, token_weights: Tensor):
        cls = x[:, :1]
        genes = self.workspace.project_tokens(x[:, 1:])
        for _ in range(self.config.n_layers):
            reader = self.workspace.project_tokens(cls)
            memory, read = self.workspace.write(memory, torch.cat([reader, genes], 1), mask, token_weights)
            cls, received = self.workspace.broadcast(cls, reader, memory)
        return cls, memory, read, received
