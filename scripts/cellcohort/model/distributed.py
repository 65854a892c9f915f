"""Data-parallel training on several GPUs of one machine: one process each, as torchrun starts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from torch.nn.parallel import DistributedDataParallel

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


def world_size() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def on_rank_zero(work: Callable[[], Result]) -> Result:
    """The result of `work` in every process; the first one alone does it."""
    result: list[Any] = [work() if rank() == 0 else None]
    if world_size() > 1:
        dist.broadcast_object_list(result)
    return result[0]


def data_parallel(model: torch.nn.Module) -> torch.nn.Module:
    """The module to train with; in several processes it starts from the weights of the first, and averages gradients.

    No parameter is unused. The option is what keeps the order in which gradients are sent: by default it changes after
    the first step of a process, and with it the last bits of sums over three processes or more, so that training that
    was resumed would end with other weights. PyTorch warns once that the option finds nothing.
    """
    return DistributedDataParallel(model, find_unused_parameters=True) if world_size() > 1 else model


def shard(batches: Iterable[Item]) -> Iterator[Item]:
    """This process's batches: every process takes one of as many; what is left over at the end is dropped."""
    iterator = iter(batches)
    while len(group := list(islice(iterator, world_size()))) == world_size():
        yield group[rank()]
