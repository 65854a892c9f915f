"""The log of a job keeps what an earlier try said; the terminal hears of warnings and, now and then, of progress."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
JOB = """
import logging, sys
from cellcohort.core import logs
logs.EVERY = float(sys.argv[2])
logs.log_to(sys.argv[1])
log = logging.getLogger("cellcohort.model.training")
log.info("told once")
for n in range(3):
    log.info("epoch %d", n, extra=logs.PROGRESS)
log.warning("mind this")
"""


def run(log, every: float) -> str:
    command = [sys.executable, "-c", JOB, str(log), str(every)]
    environ = os.environ | {"PYTHONPATH": str(REPO / "scripts")}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stderr


def test_progress_reaches_the_terminal_now_and_then(tmp_path):
    seldom = run(tmp_path / "log", 1000)
    assert "mind this" in seldom
    assert "epoch" not in seldom
    always = run(tmp_path / "log", 0)
    assert [line.rpartition(": ")[2] for line in always.splitlines()] == ["epoch 0", "epoch 1", "epoch 2", "mind this"]


def test_an_earlier_log_is_kept(tmp_path):
    run(tmp_path / "log", 1000)
    run(tmp_path / "log", 1000)
    assert (tmp_path / "log").read_text().count("told once") == 2
