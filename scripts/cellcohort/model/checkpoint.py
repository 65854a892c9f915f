"""Checkpoints of training: tensors and progress in one safetensors file, no pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from ..core.files import write_bytes
from .linear import LinearModel


def save_checkpoint(
    path: str | Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    best: dict[str, torch.Tensor],
    start: LinearModel | None,
    progress: dict[str, Any],
) -> None:
    """Write the weights, the best weights so far, the linear model of the start, the optimizer's moments and `progress`
    (JSON)."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    if start:
        tensors |= {f"start.{name}": torch.from_numpy(value) for name, value in start._asdict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_bytes(path, save(tensors, metadata={"progress": json.dumps(progress)}))


def load_progress(path: str | Path) -> dict[str, Any]:
    """The progress that a checkpoint was written with."""
    with safe_open(path, "pt") as checkpoint:
        return json.loads(checkpoint.metadata()["progress"])


def load_checkpoint(
    path: str | Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[dict[str, torch.Tensor], LinearModel | None]:
    """Put the checkpoint's state into `model` and `optimizer`; returns the best weights so far and the linear model of
    the start."""
    groups: dict[str, dict[str, torch.Tensor]] = {"model": {}, "best": {}, "start": {}, "optimizer": {}}
    with safe_open(path, "pt") as checkpoint:
        for key in checkpoint.keys():  # noqa: SIM118 (no mapping)
            group, name = key.split(".", 1)
            groups[group][name] = checkpoint.get_tensor(key)
    model.load_state_dict(groups["model"])
    state = optimizer.state_dict()
    for key, value in groups["optimizer"].items():
        index, name = key.split(".", 1)
        state["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(state)
    start = {name: value.numpy() for name, value in groups["start"].items()}
    return groups["best"], LinearModel(**start) if start else None
