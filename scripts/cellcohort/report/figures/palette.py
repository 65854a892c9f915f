"""Colours that people with colour-blindness can tell apart, on white and on black.

After Okabe and Ito (2008, https://jfly.uni-koeln.de/color) and Paul Tol's muted scheme (https://personal.sron.nl/~pault).
Vermilion is kept for cells that are unlike the reference; red and blue are gain and loss.
"""

from __future__ import annotations

from collections.abc import Iterable

UNLIKE, LIKE = "#D55E00", "#5B7083"
ACCENT = "#0072B2"
QUIET = "#8A94A0"
GAIN, LOSS = "#B2182B", "#2166AC"
ALTERED, UNALTERED = "#AA4499", "#44AA99"
_LABELS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#999933",
    "#AA4499", "#44AA99", "#DDCC77", "#6F7FC4", "#CC6677", "#5B9A4B",
)  # fmt: skip


def label_colours(labels: Iterable[str]) -> dict[str, str]:
    """A colour for each label, by alphabetical order; after a dozen they come again, lighter and then darker."""
    shades = (None, "#FFFFFF", "#000000")
    return {
        label: _mix(_LABELS[i % len(_LABELS)], shades[i // len(_LABELS) % len(shades)])
        for i, label in enumerate(sorted(labels))
    }


def _mix(colour: str, shade: str | None) -> str:
    if shade is None:
        return colour
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(shade[1:]), strict=True)
    return "#" + bytes(round(0.6 * a + 0.4 * b) for a, b in pairs).hex().upper()
