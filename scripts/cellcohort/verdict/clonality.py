"""Evidence of clonality: B and plasma cells of one label that express one light chain far more often than healthy ones.

A single B cell expresses one chain, normal or not: it is the mix of the label that tells.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import betabinom

from .pooling import BASE_SHARE

MIN_COUNTS = 2
ABOVE_AMBIENT = 5.0
AMBIENT_QUANTILE = 0.1
MIN_EXPRESSING = 0.3
"""Share of a label's cells that express a light chain, from which on its cells are taken for B or plasma cells."""
KAPPA = 0.63
"""Share of kappa among the B cells of healthy people."""
CONCENTRATION = 45.0
"""Of the beta distribution of that share over people: 95 % lie between .49 and .76."""
LIMIT = 9.0
OTHER_CHAIN = -2.0


def clonality_evidence(cells: pd.DataFrame) -> np.ndarray:
    """Log Bayes factor (n,) of each cell for a tumour's clonality; 0 outside of restricted labels.

    In a restricted label the cells of the rarer chain are taken for polyclonal, and with them as many of the other
    chain as healthy people have beside them; the rest of those are the clone. Cells that express neither chain are as
    likely of the clone as the label's cells are on average.

    Parameters
    ----------
    cells
        label, kappa, lambda (counts; missing where nothing is known) of n cells of one patient.
    """
    kappa, others = (cells[name].fillna(0).to_numpy(float) for name in ("kappa", "lambda"))
    expressing = kappa + others >= _least_counts(kappa + others)
    is_kappa = expressing & (kappa > others)
    evidence = np.zeros(len(cells))
    for rows in cells.groupby("label", sort=True).indices.values():
        n = int(expressing[rows].sum())
        if n and n >= MIN_EXPRESSING * len(rows):
            evidence[rows] = _of_label(is_kappa[rows], expressing[rows], n)
    return evidence


def _least_counts(counts: np.ndarray) -> float:
    """Light-chain counts of a cell that expresses one, beyond those that float around in the sample."""
    return max(MIN_COUNTS, ABOVE_AMBIENT * float(np.quantile(counts, AMBIENT_QUANTILE))) if len(counts) else MIN_COUNTS


def _of_label(is_kappa: np.ndarray, expressing: np.ndarray, n: int) -> np.ndarray:
    n_kappa = int(is_kappa.sum())
    restricted_to_kappa = n_kappa > KAPPA * n
    of_chain = expressing & (is_kappa == restricted_to_kappa)
    other_chain = expressing & ~of_chain
    mix = KAPPA / (1 - KAPPA) if restricted_to_kappa else (1 - KAPPA) / KAPPA
    excess = max(0.0, 1 - other_chain.sum() * mix / max(int(of_chain.sum()), 1))
    restricted = expit(restriction(n_kappa, n) + logit(BASE_SHARE))
    evidence = np.full(len(is_kappa), _against_base(restricted * excess * of_chain.sum() / n))
    evidence[of_chain] = _against_base(restricted * excess)
    evidence[other_chain] = OTHER_CHAIN * restricted
    return evidence


def restriction(n_kappa: int, n: int) -> float:
    """Log Bayes factor of any other mix of chains than healthy people's, of `n_kappa` among `n` cells."""
    healthy = betabinom.logpmf(n_kappa, n, CONCENTRATION * KAPPA, CONCENTRATION * (1 - KAPPA))
    return float(-np.log(n + 1) - healthy)


def _against_base(probability: float) -> float:
    """The log Bayes factor that lifts the base share to this probability; none if it lies below."""
    if probability <= BASE_SHARE:
        return 0.0
    return min(float(logit(min(probability, 1 - 1e-9)) - logit(BASE_SHARE)), LIMIT)
