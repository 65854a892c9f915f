"""GPU leases: jobs on one machine lock devices, so that no two of them share one; and the choice of a device."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import time
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

import torch

from .errors import InputError

LOCKS = Path("/tmp/cellcohort-devices")  # of every user of the machine
WAIT = 0.5  # seconds between two looks for a free device
log = logging.getLogger(__name__)
_held: list[int] = []  # open locks; the kernel lets go of them when the process ends, however it ends


def lease_devices(n: int, *, locks: Path = LOCKS) -> list[str]:
    """Wait for `n` of the visible GPUs, and see no others until this process ends.

    Call it before CUDA is used: what CUDA_VISIBLE_DEVICES says later is not heeded. A device is locked by its UUID,
    which is the same in every job, container and Slurm allocation of the machine.

    Returns
    -------
    The devices' UUIDs; none where no GPU is visible.

    Raises
    ------
    InputError
        If fewer than `n` devices are visible.
    """
    devices = visible_devices()
    if not devices:
        return []
    if n > len(devices):
        raise InputError(f"profile: gpu: {n}: only {len(devices)} GPUs are visible here. Ask for fewer.")
    _make_shared(locks)
    log.info("leasing %d of %d GPUs", n, len(devices))
    leased = _collect(n, devices, locks)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(leased)
    log.info("leased %s", ", ".join(leased))
    return leased


def visible_devices() -> list[str]:
    """UUIDs of the NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES says (UUIDs, or indices in the
    order of nvidia-smi)."""
    query = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        devices = subprocess.run(query, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return []
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return devices
    by_name = {str(index): device for index, device in enumerate(devices)} | dict(zip(devices, devices, strict=True))
    chosen = (by_name.get(name, "") for name in named.split(","))
    return list(takewhile(bool, chosen))  # the first unknown name ends the list


def _collect(n: int, devices: list[str], locks: Path) -> list[str]:
    """Lock any `n` devices. One process collects at a time, or two could wait for each other for ever."""
    leased: list[str] = []
    with os.fdopen(_open(locks / "gate")) as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        while True:
            for device in devices:
                if len(leased) < n and device not in leased and _lock(locks / device):
                    leased.append(device)
            if len(leased) == n:
                return leased
            time.sleep(WAIT)


def _lock(path: Path) -> bool:
    """Lock a file for as long as this process lives, unless another one has."""
    file = _open(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _held.append(file)
    return True


def _open(path: Path) -> int:
    """Open a file that another user may have made: to lock it, one need not be able to write."""
    with suppress(FileExistsError):
        file = os.open(path, os.O_CREAT | os.O_EXCL)
        os.fchmod(file, 0o444)
        os.close(file)
    return os.open(path, os.O_RDONLY)


def _make_shared(folder: Path) -> None:
    """Make a folder in which every user may make files."""
    folder.mkdir(exist_ok=True)
    with suppress(PermissionError):  # another user's, who has done so
        folder.chmod(0o1777)


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
