"""Numbers, shares, lists and chromosome arms as the report writes them."""

from __future__ import annotations

from collections.abc import Sequence

from natsort import natsort_keygen

MINUS = "\N{MINUS SIGN}"
_natural = natsort_keygen()


def count(number: float) -> str:
    """A whole number with commas."""
    return f"{int(number):,}"


def percent(share: float | None) -> str:
    """Whole percent, one decimal below ten; nothing is rounded to 0 or 100 % that is not."""
    if share is None:
        return "n/a"
    value = 100 * share
    if 0 < value < 0.1:
        return "<0.1%"
    if 99.5 <= value < 100:
        return ">99%"
    return f"{value:.1f}".removesuffix(".0") + "%" if value < 9.95 else f"{value:.0f}%"


def cells(number: float) -> str:
    """So many cells."""
    return f"{count(number)} cell{'' if number == 1 else 's'}"


def listed(parts: Sequence[str], most: int) -> str:
    """The first parts with commas, and how many more there are."""
    rest = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {rest} more" if rest > 0 else "")


def short_arm(arm: str) -> str:
    """The arm without `chr`: 8q."""
    return str(arm).removeprefix("chr")


def arm_order(arm: str) -> tuple:
    """Sort key of an arm: numbered chromosomes first, p before q."""
    return _natural(short_arm(arm))
