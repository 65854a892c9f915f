"""The device lease with made-up GPUs: nvidia-smi is a script that lists them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cellcohort.core import gpus
from cellcohort.core.errors import InputError
from cellcohort.core.gpus import choose_device

GPUS = ["GPU-a", "GPU-b", "GPU-c"]


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch) -> Path:
    """A machine with three GPUs."""
    listing = tmp_path / "nvidia-smi"
    listing.write_text("#!/bin/sh\nprintf '%s\\n' " + " ".join(GPUS) + "\n")
    listing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


# Leases devices and works on them for some time; fails where another job does, too.
JOB = """
import os, sys, time
from pathlib import Path
from cellcohort.core import gpus

folder, n, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
gpus.WAIT = 0.02
leased = gpus.lease_devices(n, locks=folder / "locks")
assert os.environ["CUDA_VISIBLE_DEVICES"].split(",") == leased
for device in leased:
    (folder / f"{device}.busy").touch(exist_ok=False)
print(*leased, flush=True)
time.sleep(seconds)
for device in leased:
    (folder / f"{device}.busy").unlink()
"""


def job(folder: Path, n: int, seconds: float) -> subprocess.Popen:
    """A process that leases `n` devices and holds them for some time."""
    command = [sys.executable, "-c", JOB, str(folder), str(n), str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(Path(gpus.__file__).parents[2])}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_many_jobs_at_once_never_share_a_device(machine):
    jobs = [job(machine, 1 + (number % 4 == 0) + (number % 8 == 0), 0.05) for number in range(16)]
    leased = [each.communicate(timeout=60)[0].split() for each in jobs]
    assert {each.returncode for each in jobs} == {0}
    assert [len(names) for names in leased] == [3, 1, 1, 1, 2, 1, 1, 1] * 2
    assert {name for names in leased for name in names} == set(GPUS)


def test_a_killed_job_leaves_nothing(machine):
    holder = job(machine, 3, 600)
    assert holder.stdout.readline().split() == GPUS
    waiting = job(machine, 2, 0)
    time.sleep(0.5)
    assert waiting.poll() is None
    for busy in machine.glob("*.busy"):
        busy.unlink()
    holder.send_signal(signal.SIGKILL)
    assert waiting.communicate(timeout=10)[0].split() == GPUS[:2]
    assert holder.wait() == -signal.SIGKILL
    assert waiting.returncode == 0


@pytest.mark.parametrize(
    ("named", "visible"),
    [
        (None, GPUS),
        ("2,0", ["GPU-c", "GPU-a"]),
        ("GPU-b", ["GPU-b"]),
        ("1,7,0", ["GPU-b"]),  # as CUDA does: what follows an unknown name is not seen
        ("-1", []),
        ("", []),
    ],
)
def test_only_visible_devices_are_leased(monkeypatch, named, visible):
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert gpus.visible_devices() == visible


def test_more_devices_than_are_visible_is_a_mistake(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(InputError, match="gpu: 2: only 1"):
        gpus.lease_devices(2, locks=machine / "locks")


def test_a_machine_without_gpus_leases_nothing(machine, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert gpus.lease_devices(1, locks=machine / "locks") == []
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_the_cpu_needs_no_lease(monkeypatch):
    monkeypatch.setattr("cellcohort.core.gpus.lease_devices", lambda n: pytest.fail("leased"))
    assert choose_device("cpu", gpus=1).type == "cpu"
