"""What the slots of the additive workspace collect of the genes' evidence, and how its gradient flows back.

A token says of each label x * bin_table[gene] + y * level_table[gene] (x its scaled bin, y its level), and a slot
collects its share of that. Written as products of padded tensors, this passes over tokens x labels again and again,
which takes most of a training step with 300 labels. On the CPU each token's evidence is therefore made in the
cache and given to the slots at once; a GPU has the padded tensors. A cell's sums have one order, whatever the threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_SUMS = {"reassoc", "contract", "nsz"}  # the compiler may vectorise sums; NaN stays NaN


def collect(assignment: Tensor, genes: Tensor, x: Tensor, y: Tensor, bin_table: Tensor, level_table: Tensor) -> Tensor:
    """Evidence in each slot, shape (B, S, L).

    Parameters
    ----------
    assignment
        The slots' shares of the tokens, shape (B, T, S).
    genes, x, y
        Numbers of the tokens' genes, their scaled bins and their levels, shape (B, T); x and y are 0 on padding.
    bin_table, level_table
        Evidence of a gene at bin and level 1, shape (n_genes, L).
    """
    if assignment.device.type == "cpu":
        return _Collect.apply(assignment, genes, x, y, bin_table, level_table)
    return assignment.transpose(1, 2) @ _evidence(genes, x, y, bin_table, level_table)


def divide(by_slot: Tensor, genes: Tensor, x: Tensor, y: Tensor, bin_table: Tensor, level_table: Tensor) -> Tensor:
    """Evidence of each token in the sum over labels that each slot weighs by `by_slot` (B, S, L), shape (B, T, S)."""
    if by_slot.device.type == "cpu":
        tensors = (genes, x, y, bin_table, level_table, by_slot)
        return _in_threads(
            _divide, len(genes), tensors, torch.zeros(*genes.shape, by_slot.shape[1], dtype=by_slot.dtype)
        )
    return _evidence(genes, x, y, bin_table, level_table) @ by_slot.transpose(1, 2)


def _evidence(genes: Tensor, x: Tensor, y: Tensor, bin_table: Tensor, level_table: Tensor) -> Tensor:
    """What each token says of each label, shape (B, T, L)."""
    return x[:, :, None] * F.embedding(genes, bin_table) + y[:, :, None] * F.embedding(genes, level_table)


class _Collect(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, assignment: Tensor, *others: Tensor) -> Tensor:
        ctx.save_for_backward(assignment, *others)
        n_labels = others[-1].shape[1]
        out = assignment.new_zeros(len(assignment), assignment.shape[2], n_labels)
        return _in_threads(_collect, len(assignment), (assignment, *others), out)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        assignment, genes, x, y, bin_table, level_table = ctx.saved_tensors
        (gradient,) = gradients
        divided = divide(gradient, genes, x, y, bin_table, level_table)
        tables = torch.zeros(2, *bin_table.shape, dtype=bin_table.dtype)
        _in_threads(_spread, bin_table.shape[1], (assignment, genes, x, y, gradient), tables)
        return divided, None, None, None, tables[0], tables[1]


def _in_threads(kernel: Callable, n: int, tensors: tuple[Tensor, ...], out: Tensor) -> Tensor:
    """`out`, of which the kernel fills the parts that belong to each of n cells or labels."""
    arrays = [tensor.detach().contiguous().numpy() for tensor in (*tensors, out)]
    edges = np.linspace(0, n, min(torch.get_num_threads(), n) + 1, dtype=int)
    parts = [(first, last, *arrays) for first, last in pairwise(edges)]
    waiting = [_threads().submit(kernel, *part) for part in parts[1:]]
    for part in parts[:1]:
        kernel(*part)
    for others in waiting:
        others.result()
    return out


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor()


@numba.njit(cache=True, nogil=True, fastmath=_SUMS)
def _say(gene, x, y, bin_table, level_table, said):
    for label in range(len(said)):
        said[label] = x * bin_table[gene, label] + y * level_table[gene, label]


@numba.njit(cache=True, nogil=True, fastmath=_SUMS)
def _collect(first, last, assignment, genes, x, y, bin_table, level_table, out):
    said = np.empty(out.shape[2], out.dtype)
    for cell in range(first, last):
        for token in range(genes.shape[1]):
            if x[cell, token] == 0 and y[cell, token] == 0:
                continue
            _say(genes[cell, token], x[cell, token], y[cell, token], bin_table, level_table, said)
            for slot in range(out.shape[1]):
                share = assignment[cell, token, slot]
                for label in range(out.shape[2]):
                    out[cell, slot, label] += share * said[label]


@numba.njit(cache=True, nogil=True, fastmath=_SUMS)
def _divide(first, last, genes, x, y, bin_table, level_table, by_slot, out):
    said = np.empty(by_slot.shape[2], out.dtype)
    for cell in range(first, last):
        for token in range(genes.shape[1]):
            if x[cell, token] == 0 and y[cell, token] == 0:
                continue
            _say(genes[cell, token], x[cell, token], y[cell, token], bin_table, level_table, said)
            for slot in range(out.shape[2]):
                total = out[cell, token, slot]
                for label in range(by_slot.shape[2]):
                    total += said[label] * by_slot[cell, slot, label]
                out[cell, token, slot] = total


@numba.njit(cache=True, nogil=True, fastmath=_SUMS)
def _spread(first, last, assignment, genes, x, y, gradient, tables):
    said = np.empty(last - first, gradient.dtype)
    for cell in range(genes.shape[0]):
        for token in range(genes.shape[1]):
            if x[cell, token] == 0 and y[cell, token] == 0:
                continue
            gene = genes[cell, token]
            said[:] = 0
            for slot in range(assignment.shape[2]):
                share = assignment[cell, token, slot]
                for label in range(last - first):
                    said[label] += share * gradient[cell, slot, first + label]
            for label in range(last - first):
                tables[0, gene, first + label] += x[cell, token] * said[label]
                tables[1, gene, first + label] += y[cell, token] * said[label]
