"""Power: whether a cell's counts would show a typical aneuploidy, without which "diploid" would say nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from .baseline import Baseline
from .likelihood import expected_llr

GAIN, LOSS = 1.5, 0.5
EVERY = 4
MIN_POWER = 0.95


def typical_karyotypes(n_arms: int) -> np.ndarray:
    """Dosages (8, n_arms) of typical aneuploidies: a quarter of the genome, as in an average carcinoma.

    Every fourth arm is altered, a gain of one copy (1.5) and a loss of one (0.5) in turn, from each of the first four
    arms on, and with gains and losses exchanged.
    """
    dosage = np.ones((2 * EVERY, n_arms))
    for start in range(EVERY):
        for row, first, second in ((start, GAIN, LOSS), (start + EVERY, LOSS, GAIN)):
            dosage[row, start :: 2 * EVERY] = first
            dosage[row, start + EVERY :: 2 * EVERY] = second
    return dosage


def power(
    depth: np.ndarray, baseline: Baseline, measured: Sequence[str], genome: Sequence[str], *, min_llr: float
) -> np.ndarray:
    """Probability that a cell which carries a typical aneuploidy has a log-likelihood ratio above `min_llr`.

    The ratio of a carrier is taken as normal: its mean is that of a cell that carries the dosages exactly, its variance
    twice that. Arms that the cells' genes do not measure cannot show anything.

    Parameters
    ----------
    depth
        (n_cells,) sum of each cell's arm counts.
    baseline
        Of the same cells, on the measured arms.
    measured, genome
        Names of the arms of the baseline, and of all arms.

    Returns
    -------
    (n_cells,) mean over the typical karyotypes; 0 where the baseline is unknown.
    """
    names = list(dict.fromkeys([*genome, *measured]))
    here = [names.index(name) for name in measured]
    karyotypes = typical_karyotypes(len(names))[:, here]
    total = np.zeros(len(depth))
    for dosage in karyotypes:
        mean = np.maximum(np.nan_to_num(expected_llr(depth, baseline.share, baseline.dispersion, dosage)), 1e-9)
        total += norm.sf((min_llr - mean) / np.sqrt(2 * mean))
    return total / len(karyotypes)
