"""Arm counts: a cell's counts summed by chromosome arm, with gene weights that keep their variance that of counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..genes.chromosome_arms import ArmLayout


@dataclass(frozen=True)
class ArmCounts:
    """Each cell's counts on each arm, in units whose variance is that of counts.

    Attributes
    ----------
    values, half
        (n_cells, n_arms) float64: from all genes of the arm, and from every second gene.
    """

    values: np.ndarray
    half: np.ndarray


def gene_weights(counts: sparse.csr_matrix, groups: np.ndarray, number: int) -> np.ndarray:
    """Weights (n_genes,) that keep a few bursting genes from carrying an arm.

    A gene weighs 1 / its index of dispersion (variance over mean, given the cells' depths), at most 1; the smallest
    over the groups counts. All cells of a group take part: were it the reference cells alone, these would look less
    dispersed than any other normal cell.
    """
    weights = np.ones(counts.shape[1])
    for index in range(number):
        cells = counts[np.flatnonzero(groups == index)]
        depth, total = np.asarray(cells.sum(axis=1)).ravel(), np.asarray(cells.sum(axis=0)).ravel()
        share = total / max(depth.sum(), 1.0)
        square = np.asarray(cells.multiply(cells).sum(axis=0)).ravel()
        variance = square - 2 * share * (cells.T @ depth) + share**2 * (depth**2).sum()
        weights = np.minimum(weights, (total + 10) / (np.maximum(variance, total) + 10))
    return weights


def count_arms(counts: sparse.csr_matrix, layout: ArmLayout, weights: np.ndarray) -> ArmCounts:
    """Sum each cell's weighted counts by arm, over all genes and over every second gene in genome order."""
    mass = np.asarray(counts.sum(axis=0)).ravel()
    both = (layout.arm, layout.halves()[0].arm)
    return ArmCounts(*(_weighted(counts, arm, layout.n_arms, weights, mass) for arm in both))


def _weighted(
    counts: sparse.csr_matrix, arm: np.ndarray, n_arms: int, weights: np.ndarray, mass: np.ndarray
) -> np.ndarray:
    """Weighted arm sums divided by sum(w^2 x) / sum(w x), after which a Poisson's variance is its mean."""
    genes = np.flatnonzero(arm >= 0)
    first = np.bincount(arm[genes], weights=(weights * mass)[genes], minlength=n_arms)
    second = np.bincount(arm[genes], weights=(weights**2 * mass)[genes], minlength=n_arms)
    scale = np.where(second > 0, second, 1) / np.where(first > 0, first, 1)
    into = sparse.csr_matrix((weights[genes] / scale[arm[genes]], (genes, arm[genes])), shape=(len(arm), n_arms))
    return np.asarray((counts @ into).todense())
