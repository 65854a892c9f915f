"""Log-likelihood ratio of a cell's arm counts under a pattern of arms; power, carrier odds and false discoveries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

_GAIN, _LOSS = 1.5, 0.5
_EVERY = 4
_ORDERS = 5
MIN_POWER = 0.95
_NULL_QUANTILE = 0.99


def pattern_llr(values: np.ndarray, share: np.ndarray, dispersion: np.ndarray, dosage: np.ndarray) -> np.ndarray:
    """Log-likelihood ratio (nats) of each cell: a pattern of arm dosages against none.

    Parameters
    ----------
    values, share, dispersion
        (n_cells, n_arms) arm counts, diploid shares and negative-binomial dispersions.
    dosage
        (n_arms,) relative dosage of each arm, 1 where unchanged.

    Returns
    -------
    (n_cells,) float64, NaN where the share is unknown. Arms are taken as independent negative binomials given the
    cell's depth.
    """
    depth = values.sum(axis=1, keepdims=True)
    changed = share * dosage
    normal, altered = depth * share, depth * changed / changed.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = values * np.log(altered / normal)
        cost = (values + 1 / dispersion) * np.log((1 + dispersion * altered) / (1 + dispersion * normal))
    return np.where(depth[:, 0] > 0, (gain - cost).sum(axis=1), 0.0)


def expected_llr(depth: np.ndarray, share: np.ndarray, dispersion: np.ndarray, dosage: np.ndarray) -> np.ndarray:
    """The log-likelihood ratio that a cell of this depth would show if it carried the pattern exactly."""
    changed = share * dosage
    return pattern_llr(depth[:, None] * changed / changed.sum(axis=1, keepdims=True), share, dispersion, dosage)


def typical_karyotypes(n_arms: int) -> np.ndarray:
    """Dosages (20, n_arms) of typical aneuploidies: a quarter of the arms, as in an average carcinoma.

    Five times the arms are put in a random order, always the same; from each of the first four on, every fourth one
    gains a copy (1.5) or loses one (0.5) in turn. So every arm is altered equally often.
    """
    dosage = np.ones((_ORDERS * _EVERY, n_arms))
    rng = np.random.default_rng(0)
    for row in range(len(dosage)):
        if row % _EVERY == 0:
            order = rng.permutation(n_arms)
        first, second = (_GAIN, _LOSS) if row % 2 else (_LOSS, _GAIN)
        dosage[row, order[row % _EVERY :: 2 * _EVERY]] = first
        dosage[row, order[row % _EVERY + _EVERY :: 2 * _EVERY]] = second
    return dosage


def power(
    depth: np.ndarray,
    share: np.ndarray,
    dispersion: np.ndarray,
    *,
    measured: Sequence[str],
    genome: Sequence[str],
    min_llr: float,
) -> np.ndarray:
    """Probability that a cell which carries a typical aneuploidy has a log-likelihood ratio above `min_llr`.

    The ratio of a carrier is taken as normal: its mean is that of a cell that carries the dosages exactly, its variance
    twice that. Arms that the cells' genes do not measure cannot show anything.

    Parameters
    ----------
    depth
        (n_cells,) sum of each cell's arm counts.
    share, dispersion
        (n_cells, n_measured) diploid shares and dispersions.
    measured, genome
        Names of these arms, and of all arms of the genome.

    Returns
    -------
    (n_cells,) mean over the typical karyotypes; 0 where the share is unknown.
    """
    names = list(dict.fromkeys([*genome, *measured]))
    here = [names.index(name) for name in measured]
    karyotypes = typical_karyotypes(len(names))[:, here]
    total = np.zeros(len(depth))
    for dosage in karyotypes:
        mean = np.maximum(np.nan_to_num(expected_llr(depth, share, dispersion, dosage)), 1e-9)
        total += norm.sf((min_llr - mean) / np.sqrt(2 * mean))
    return total / len(karyotypes)


def carrier_log_odds(llr: np.ndarray) -> float:
    """Log odds that a cell of this set carries the pattern: the mixing weight that makes the ratios likeliest."""
    share, floor = 0.5, 1 / (len(llr) + 2)
    for _ in range(100):
        share = float(np.clip(expit(llr + logit(share)).mean(), floor, 1 - floor))
    return float(logit(share))


def call_threshold(llr: np.ndarray, null: np.ndarray, *, min_llr: float) -> float:
    """Smallest ratio (nats) of an aneuploid cell among cells with the ratios `llr`.

    At least `min_llr` more than the odds against a carrier among them, and never below the 99th percentile of `null`,
    the ratios of held-out normal cells.
    """
    return max(min_llr + max(-carrier_log_odds(llr), 0.0), float(np.quantile(null, _NULL_QUANTILE)))


def arm_scores(values: np.ndarray, share: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Root mean square over arms of a cell's standardised arm counts: near 1 for a normal cell of any depth."""
    expected = values.sum(axis=1, keepdims=True) * share
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (values - expected) / np.sqrt(expected + dispersion * expected**2)
    return np.sqrt((z**2).mean(axis=1))


def false_discovery(llr: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Share of false calls expected if every cell with at least this ratio were called (n_cells,).

    Conservative: all cells are taken as normal for the expected number of false calls, whose rate comes from `null`,
    the ratios of held-out normal cells. NaN where there is no ratio or no null.
    """
    result = np.full(len(llr), np.nan)
    known = np.flatnonzero(np.isfinite(llr))
    null = np.sort(null[np.isfinite(null)])
    if not len(known) or not len(null):
        return result
    order = known[np.argsort(-llr[known], kind="stable")]
    above = len(null) - np.searchsorted(null, llr[order], side="left")
    rate = (1 + above) / (1 + len(null))
    called = len(llr[known]) - np.searchsorted(np.sort(llr[known]), llr[order], side="left")
    estimate = np.minimum(rate * len(known) / called, 1.0)
    result[order] = np.minimum.accumulate(estimate[::-1])[::-1]
    return result
