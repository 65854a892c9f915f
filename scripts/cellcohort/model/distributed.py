"""Training on several GPUs of one machine: one process each, gradients averaged (what torchrun starts)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

import torch
import torch.distributed as dist
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

Item = TypeVar("Item")
Result = TypeVar("Result")


def launch(function: Callable[..., Result], *arguments, n_processes: int) -> Result:
    """Call `function` in `n_processes` processes as torchrun does; returns what the first one returns."""
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=n_processes,
        run_id="cellcohort",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    return elastic_launch(config, _joined)(function, *arguments)[0]


def _joined(function: Callable[..., Result], *arguments) -> Result:
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    if torch.cuda.is_available():
        torch.cuda.set_device(dist.get_rank())
    try:
        return function(*arguments)
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process, 0 where there is but one."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def from_first(work: Callable[[], Result]) -> Result:
    """What `work` gives in the first process, in all of them; it is done once."""
    result = [work() if rank() == 0 else None]
    if world() > 1:
        dist.broadcast_object_list(result)
    return result[0]


def same_as_first(model: torch.nn.Module) -> None:
    """Give every process the weights of the first."""
    if world() > 1:
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, 0)


def share(batches: Iterable[Item]) -> Iterator[Item]:
    """This process's batches: every process takes one of as many; what is left over at the end is dropped."""
    iterator = iter(batches)
    while len(group := list(islice(iterator, world()))) == world():
        yield group[rank()]


def average_gradients(model: torch.nn.Module) -> None:
    """Replace each gradient by its mean over the processes, in one message."""
    if world() == 1:
        return
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world()
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
