"""The model over many cells: batched by length, results in the order of the cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from .batches import to_tensors
from .devices import lease_devices
from .errors import InputError
from .model import CellMemory, CellMemoryOutput
from .tokens import Tokens, length_batches

MAX_CELLS, MAX_TOKENS = 512, 8192  # of a batch; on a GPU times
GPU_FACTOR = 16


def choose_device(name: str, *, gpus: int = 0) -> torch.device:
    """`auto`: CUDA where there is a device, else the CPU; otherwise the device of that name.

    With `gpus` so many devices are leased first, so that no other job computes on them.
    """
    if gpus and name != "cpu":
        lease_devices(gpus)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        if not torch.cuda.is_available():
            raise InputError(f"config: train.device: {name}: there is no CUDA device here. Set it to auto or cpu.")
        torch.set_float32_matmul_precision("high")  # tf32
    return torch.device(name)


def use_threads(n: int) -> None:
    """Let torch use the `n` cores that the rule was given."""
    torch.set_num_threads(n)


@torch.inference_mode()
def run_batches(
    model: CellMemory, tokens: Tokens, *, attention: bool = False
) -> Iterator[tuple[np.ndarray, Tokens, CellMemoryOutput]]:
    """Yield row numbers, tokens and output of batches of cells of similar length."""
    model.eval()
    device = next(model.parameters()).device
    all_genes, n_genes = model.config.all_genes, model.config.n_genes
    lengths = np.full(len(tokens), n_genes) if all_genes else tokens.lengths
    factor = GPU_FACTOR if device.type == "cuda" else 1
    for rows in length_batches(lengths + 1, MAX_CELLS * factor, MAX_TOKENS * factor):
        batch = tokens.take(rows)
        if all_genes:
            batch = batch.with_silent(n_genes)
        yield rows, batch, model(*to_tensors(batch, device), attention=attention)


def predict_tokens(model: CellMemory, tokens: Tokens, *outputs: str) -> tuple[np.ndarray, ...]:
    """The named fields of CellMemoryOutput for n cells, each a float32 array of n rows."""
    config = model.config
    widths = {"logits": config.n_labels, "embedding": config.d_model}
    arrays = [np.empty((len(tokens), widths[name]), np.float32) for name in outputs]
    for rows, _, output in run_batches(model, tokens):
        for name, array in zip(outputs, arrays, strict=True):
            array[rows] = getattr(output, name).float().cpu().numpy()
    return tuple(arrays)
