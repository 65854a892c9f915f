"""Odd configs, sample sheets and tables that a config names."""

from __future__ import annotations

from pathlib import Path

from tiny_cohort import write_cohort

from .case import Case


def _misspelt_key(folder: Path) -> None:
    write_cohort(folder, ood={"alhpa": 0.05})


CASES = [
    Case("config_misspelt_key", "A misspelt key in the config", _misspelt_key, "stopped", says="alpha"),
]
