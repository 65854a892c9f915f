"""Power: whether a cell's counts would show a typical aneuploidy, without which "diploid" would say nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from .baseline import Baseline
from .likelihood import expected_llr

GAIN, LOSS = 1.5, 0.5
EVERY = 4
ORDERS = 5
MIN_POWER = 0.95


def typical_karyotypes(n_arms: int) -> np.ndarray:
    """Dosages (20, n_arms) of typical aneuploidies: a quarter of the arms, as in an average carcinoma.

    Five times the arms are put in a random order, always the same; from each of the first four on, every fourth one
    gains a copy (1.5) or loses one (0.5) in turn. So every arm is altered equally often.
    """
    dosage = np.ones((ORDERS * EVERY, n_arms))
    rng = np.random.default_rng(0)
    for row in range(len(dosage)):
        if row % EVERY == 0:
            order = rng.permutation(n_arms)
        first, second = (GAIN, LOSS) if row % 2 else (LOSS, GAIN)
        dosage[row, order[row % EVERY :: 2 * EVERY]] = first
        dosage[row, order[row % EVERY + EVERY :: 2 * EVERY]] = second
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
