"""Arm effects: robust log2 ratio and z of each chromosome arm of a group of cells against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import false_discovery_control, norm

from ..genes.chromosome_arms import ArmLayout
from .cell_groups import GROUP

_MIN_EXPECTED = 4.0
_MIN_GENES = 15
ARM_FDR = 0.01
SECOND_ARM = 0.8  # of min_z, which two arms have to exceed where none exceeds it
_OUTLYING_Z = 3.0
_MEDIAN_COST = 1.2533  # standard error of a median over that of a mean, for normal errors
_MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Effects:
    """Arms of one group against a reference; arrays of one value an arm, NaN where an arm has too few genes.

    Attributes
    ----------
    log2_ratio
        Weighted median over the arm's genes of the log2 ratio, centred on that of the unaltered arms.
    z
        log2_ratio over its standard error, which comes from the spread of the genes on the arm. A group that differs
        from its reference in many genes (another cell type) therefore has small z.
    """

    log2_ratio: np.ndarray
    z: np.ndarray

    def call_arms(self, *, min_effect: float, min_z: float) -> np.ndarray:
        """Call each arm -1, 0 or 1 (int8).

        A group is altered if one arm exceeds `min_z`, or two exceed four fifths of it. Of an altered group, all arms
        are called that pass a false-discovery rate of 1 % (Benjamini and Hochberg, two-sided normal).
        """
        if not self.exceed(min_effect, min_z).any() and self.exceed(min_effect, SECOND_ARM * min_z).sum() < 2:
            return np.zeros(len(self.z), dtype=np.int8)
        known = np.isfinite(self.z)
        clear = self.exceed(min_effect, 0.0)
        clear[known] &= false_discovery_control(2 * norm.sf(np.abs(self.z[known]))) < ARM_FDR
        return (clear * np.sign(np.nan_to_num(self.log2_ratio))).astype(np.int8)

    def dosage(self, min_effect: float, min_z: float) -> np.ndarray:
        """Relative dosage of each arm, 1 where it is not called."""
        called = self.call_arms(min_effect=min_effect, min_z=min_z) != 0
        return np.where(called, np.exp2(np.nan_to_num(self.log2_ratio)), 1.0)

    def exceed(self, min_effect: float, min_z: float) -> np.ndarray:
        """Arms (bool) whose |log2_ratio| and |z| are larger than these."""
        return (np.abs(np.nan_to_num(self.log2_ratio)) > min_effect) & (np.abs(np.nan_to_num(self.z)) > min_z)


def group_sums(counts: sparse.csr_matrix, groups: np.ndarray, number: int) -> np.ndarray:
    """Counts summed over the cells of each group: dense (number, n_genes); cells numbered -1 are left out."""
    rows = np.flatnonzero(groups >= 0)
    picker = sparse.csr_matrix((np.ones(len(rows)), (groups[rows], rows)), shape=(number, len(groups)))
    return (picker @ counts).toarray()


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The value at which half of the weight, which is positive, is reached."""
    return float(np.quantile(values, 0.5, weights=weights, method="inverted_cdf"))


def compare(group: np.ndarray, references: np.ndarray, layout: ArmLayout) -> Effects:
    """Compare a group's summed counts with one reference, or with the geometric mean of several.

    The ratios are centred on the arms that do not stand out, as long as these hold half of the genes: were it on all
    genes, a group with more gains than losses would show a slight loss of every unaltered arm.

    Parameters
    ----------
    group
        (n_genes,) summed counts of the group.
    references
        (n_references, n_genes) or (n_genes,) summed counts, one row a reference.
    """
    ratio, weight, used = _gene_ratios(group, np.atleast_2d(references))
    effect, error, number = (np.full(layout.n_arms, np.nan) for _ in range(3))
    if used.sum() < _MIN_GENES:
        return Effects(effect, error)
    ratio = ratio - _trend(ratio[used], weight[used], layout.covariates[used], layout.covariates)
    ratio = ratio - weighted_median(ratio[used], weight[used])
    for index in range(layout.n_arms):
        genes = used & (layout.arm == index)
        if genes.sum() >= _MIN_GENES:
            effect[index], error[index] = _arm_effect(ratio[genes], weight[genes])
            number[index] = genes.sum()
    effect = effect - _centre(effect, error, number)
    return Effects(effect, effect / error)


def _centre(effect: np.ndarray, error: np.ndarray, n_genes: np.ndarray) -> float:
    """Mean effect of the arms that do not stand out, found by leaving out the most outlying arm time and again.

    0 (the genome's median) if fewer than half of the genes lie on such arms.
    """
    unaltered = np.isfinite(effect)
    least = n_genes[unaltered].sum() / 2
    while n_genes[unaltered].sum() >= max(least, 1):
        centre = np.average(effect[unaltered], weights=error[unaltered] ** -2)
        distance = np.where(unaltered, np.abs(effect - centre) / error, 0.0)
        if distance.max() <= _OUTLYING_Z:
            return float(centre)
        unaltered[np.argmax(distance)] = False
    return 0.0


def _trend(ratio: np.ndarray, weight: np.ndarray, covariates: np.ndarray, all_covariates: np.ndarray) -> np.ndarray:
    """Linear trend of the ratios on the genes' covariates by Huber regression (ten rounds), for all genes."""
    design = np.column_stack([np.ones(len(ratio)), covariates])
    slope = np.array([weighted_median(ratio, weight), 0.0, 0.0])
    for _ in range(10):
        distance = np.abs(ratio - design @ slope)
        scale = max(_MAD_TO_SD * float(np.median(distance)), 1e-6)
        huber = weight**2 * np.minimum(1, scale / np.maximum(distance, 1e-12))
        gram = np.einsum("ij,ik,i->jk", design, design, huber) + 1e-9 * np.eye(3)
        slope = np.linalg.solve(gram, np.einsum("ij,i->j", design, huber * ratio))
    return all_covariates @ slope[1:]


def _gene_ratios(group: np.ndarray, references: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log2 ratio, weight (1 / standard deviation) and usability of each gene."""
    total, depths = max(group.sum(), 1.0), np.maximum(references.sum(axis=1, keepdims=True), 1.0)
    share = np.log2((references + 0.5) / depths).mean(axis=0)
    ratio = np.log2((group + 0.5) / total) - share
    variance = (1 / (group + 1) + (1 / (references + 1)).mean(axis=0) / len(references)) / np.log(2) ** 2 + 0.1
    expected = np.sqrt((group + 0.5) / total * np.exp2(share)) * min(total, depths.mean())
    return ratio, 1 / np.sqrt(variance), expected >= _MIN_EXPECTED


def _arm_effect(ratio: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Weighted median and its standard error."""
    effect = weighted_median(ratio, weight)
    spread = max(_MAD_TO_SD * float(np.median(np.abs(ratio - effect))), 0.1)
    error = _MEDIAN_COST * spread * np.sqrt((weight**2).sum()) / weight.sum()
    return effect, error


def arm_rows(
    groups: pd.DataFrame, effects: Sequence[Effects], names: Sequence[str], calls: Sequence[np.ndarray]
) -> pd.DataFrame:
    """Long table of the groups' arms; arms that could not be judged are left out.

    Parameters
    ----------
    groups
        The columns of `GROUP`, a row for each of `effects` and `calls`.
    names
        The arms' names.

    Returns
    -------
    The columns of `GROUP`, then arm, log2_ratio, z and call (-1, 0, 1).
    """
    arms = [
        pd.DataFrame({"arm": list(names), "log2_ratio": one.log2_ratio, "z": one.z, "call": call}).assign(**group)
        for group, one, call in zip(groups.to_dict("records"), effects, calls, strict=True)
    ]
    dtypes = {"arm": object, "log2_ratio": np.float32, "z": np.float32, "call": np.int8}
    columns = [*GROUP, *dtypes]
    rows = pd.concat(arms or [pd.DataFrame(columns=columns)], ignore_index=True)[columns]
    return rows.dropna(subset=["log2_ratio"]).astype(dtypes).reset_index(drop=True)
