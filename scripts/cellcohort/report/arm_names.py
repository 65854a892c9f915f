"""Names of chromosome arms as the report writes and orders them."""

from __future__ import annotations

import re


def short_arm(arm: str) -> str:
    """The arm without `chr`: 8q."""
    return str(arm).removeprefix("chr")


def arm_order(arm: str) -> tuple[int, str]:
    """Sort key of an arm: numbered chromosomes first, p before q."""
    match = re.match(r"(?:chr)?(\d+|\w)([pq]?)", str(arm))
    number, side = match.groups() if match else ("", str(arm))
    return int(number) if number.isdigit() else 99, number + side
