"""Where the known cells of a label lie in a sample: its lowest mode, found from below."""

from __future__ import annotations

import numpy as np

LOWEST_SHARE = 0.1  # of a label's cells: up to nine in ten may be of an unknown type
WITHIN = 2  # spreads above the location, which hold ...
SHARE_WITHIN = 0.9  # ... this share of a mode and more


def lowest_mode(values: np.ndarray, spread: float) -> tuple[float, float]:
    """Location of the lowest mode, and the share of the cells that it holds.

    The location is the median of the mode's cells. It starts from the lowest tenth, takes in what lies within two
    spreads of it, climbs as the share grows, and stops at a gap.

    Parameters
    ----------
    values
        Mean scores of a label's cells, shape (n,).
    spread
        What the reference has of such values.
    """
    ordered, share = np.sort(values), LOWEST_SHARE
    while True:
        location = float(np.quantile(ordered, share / 2))
        within = np.searchsorted(ordered, location + WITHIN * spread, side="right") / len(ordered)
        wider = min(1.0, within / SHARE_WITHIN)
        if wider <= share:
            return location, share
        share = wider
