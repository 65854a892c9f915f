"""Inference: the network over many cells in batches of similar length, results in the order of the cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from .network import CellMemory
from .presets import Network, Output
from .tokens import Tokens, length_batches


def to_tensors(tokens: Tokens, device: torch.device, *, levels: bool = False) -> tuple[torch.Tensor, ...]:
    """Genes, bins and mask of all cells of `tokens`, with `levels` these too, padded to the longest, on `device`."""
    rows = np.arange(len(tokens))
    arrays = (*tokens.pad(rows), tokens.pad_levels(rows)) if levels else tokens.pad(rows)
    padded = [torch.from_numpy(array) for array in arrays]
    if device.type == "cuda":
        padded = [tensor.pin_memory() for tensor in padded]
    return tuple(tensor.to(device, non_blocking=True) for tensor in padded)


MAX_CELLS, MAX_TOKENS = 512, 8192  # of a batch; on a GPU times
GPU_FACTOR = 16


@torch.inference_mode()
def run_batches(
    model: Network, tokens: Tokens, *, attention: bool = False
) -> Iterator[tuple[np.ndarray, Tokens, Output]]:
    """Yield row numbers, tokens and output of batches of cells of similar length."""
    model.eval()
    device = next(model.parameters()).device
    every = model.measured if isinstance(model, CellMemory) and model.config.all_genes else None
    lengths = tokens.lengths if every is None else np.full(len(tokens), len(every))
    factor = GPU_FACTOR if device.type == "cuda" else 1
    for rows in length_batches(lengths + 1, MAX_CELLS * factor, MAX_TOKENS * factor):
        batch = tokens.take(rows)
        if every is not None:
            batch = batch.with_silent(every)
        tensors = to_tensors(batch, device, levels=model.config.reads_levels)
        yield rows, batch, model(*tensors, attention=attention)


def predict_tokens(model: Network, tokens: Tokens, *outputs: str) -> tuple[np.ndarray, ...]:
    """The named fields (logits, embedding) of the output for n cells, each a float32 array of n rows."""
    config = model.config
    widths = {"logits": config.n_labels, "embedding": config.d_model}
    arrays = [np.empty((len(tokens), widths[name]), np.float32) for name in outputs]
    for rows, _, output in run_batches(model, tokens):
        for name, array in zip(outputs, arrays, strict=True):
            array[rows] = getattr(output, name).float().cpu().numpy()
    return tuple(arrays)
