"""Profiles of the reference types: naive-Bayes detection rates and mean expression by gene, compared with cells.

Everything here is fitted in closed form on scaled bins (expression bins scaled to 0..1, silent genes 0), so that it can
be fitted anew without each donor of the reference in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.special import expit, logsumexp

from ..model.linear import IMPOSSIBLE, fit_linear

PRIOR_CELLS = 2  # cells of average expression that every type gets on top of its own
RAREST = 1e-3  # chance of detection that no gene falls below, nor its complement
DEPTHS = np.linspace(-8, 8, 129)  # shifts of the log-odds of detection between which cells of any depth lie
NEVER = -30.0  # log-odds of detection of a gene that was not measured
NO_CELLS = 1e3  # atypicality of every cell for a type without cells
OOD_COMPONENTS = ("energy", "atypicality", "rarity", "dissimilarity")


@dataclass(frozen=True)
class Comparison:
    """n cells compared with the L reference types.

    Attributes
    ----------
    linear_logits, typicality
        Of each type: logits of the linear model; minus the atypicality (`Profiles`), shape (n, L).
    types
        Number of the type of the highest linear logit, shape (n,).
    ood_components
        Four measures (`OOD_COMPONENTS`) of how unlike that type the cell is, higher is less alike, shape (n, 4): free
        energy of the linear logits; atypicality (`Profiles`); rarity, the mean surprise of the genes that are on;
        dissimilarity, one minus the cosine to the type's mean.
    origins
        Number of the type for which the cell is least atypical, shape (n,).
    margins
        By how much less than for the next type, in standard deviations, shape (n,).
    """

    linear_logits: np.ndarray
    typicality: np.ndarray
    types: np.ndarray
    ood_components: np.ndarray
    origins: np.ndarray
    margins: np.ndarray

    def member_logits(self, network_logits: np.ndarray) -> np.ndarray:
        """Logits of the ensemble's members (`ensemble.MEMBERS`), shape (3, n, L), with those of the network (n, L)."""
        return np.stack([network_logits, self.linear_logits, self.typicality])


@dataclass(frozen=True)
class Profiles:
    """Profiles of L reference types over G genes.

    Attributes
    ----------
    weight, bias
        Linear model of the types (`linear.fit_linear`), shapes (G, L) and (L,).
    detection
        Log-odds that a cell of the type has the gene, shape (G, L).
    level
        Mean scaled bin, shape (G, L).
    deviation
        Standard deviation of a gene's scaled bin over all cells, shape (G,).
    """

    weight: np.ndarray
    bias: np.ndarray
    detection: np.ndarray
    level: np.ndarray
    deviation: np.ndarray

    def compare(self, scaled_bins: sparse.csr_matrix) -> Comparison:
        """Compare n cells with the types; `scaled_bins` has the shape (n, G)."""
        logits = scaled_bins @ self.weight + self.bias
        types, rows = logits.argmax(1), np.arange(len(logits))
        on = scaled_bins.copy()
        on.data = np.ones_like(on.data)
        length = np.sqrt(scaled_bins.multiply(scaled_bins).sum(1)).A1 if len(rows) else np.zeros(0)
        norms = np.maximum(length[:, None] * np.linalg.norm(self.level, axis=0), 1e-12)
        similarity = (scaled_bins @ self.level) / norms
        surprise = (on @ np.logaddexp(0, -self.detection)) / np.maximum(np.diff(scaled_bins.indptr), 1)[:, None]
        atypicality = self._atypicality(on)
        components = [
            -logsumexp(logits, axis=1),
            atypicality[rows, types],
            surprise[rows, types],
            1 - similarity[rows, types],
        ]
        nearest = np.sort(atypicality, axis=1)[:, :2]
        margins = nearest[:, 1] - nearest[:, 0]
        return Comparison(logits, -atypicality, types, np.column_stack(components), atypicality.argmin(1), margins)

    def without(self, unmeasured: np.ndarray) -> Profiles:
        """The profiles for cells of which the genes of the numbers `unmeasured` are unknown: no type expects them, so
        that their silence says nothing."""
        unknown = np.zeros(len(self.weight), bool)
        unknown[unmeasured] = True
        weight, detection, level = self.weight.copy(), self.detection.copy(), self.level.copy()
        weight[unknown], detection[unknown], level[unknown] = 0, NEVER, 0
        return replace(self, weight=weight, detection=detection, level=level)

    def _atypicality(self, on: sparse.csr_matrix) -> np.ndarray:
        """Minus the standardised log-likelihood of which genes are on in a cell, for each type, shape (n, L).

        Genes are independent given the type, and the type's log-odds are shifted so that it expects as many genes as
        the cell has: depth by itself makes no cell atypical.
        """
        n_on = np.diff(on.indptr)
        score = on @ self.detection
        for label, (expected, silent, mean, deviation, _) in enumerate(self._by_depth):
            depth = np.interp(n_on, expected, DEPTHS)
            likelihood = score[:, label] + n_on * depth + np.interp(depth, DEPTHS, silent)
            score[:, label] = np.interp(depth, DEPTHS, mean) - likelihood
            score[:, label] /= np.interp(depth, DEPTHS, deviation)
        score[:, self.bias <= IMPOSSIBLE] = NO_CELLS
        return score

    def given_n_genes(self, n_on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean log-odds of detection of one more gene, and standard deviation of the log-likelihood, of cells of `n_on`
        genes, shape (n,), for each type, shapes (n, L)."""
        centre, deviation = np.empty((2, len(n_on), len(self.bias)))
        for label, (expected, _, _, deviations, centres) in enumerate(self._by_depth):
            depth = np.interp(n_on, expected, DEPTHS)
            centre[:, label] = np.interp(depth, DEPTHS, centres)
            deviation[:, label] = np.interp(depth, DEPTHS, deviations)
        return centre, deviation

    def expected_genes(self, n_on: np.ndarray, label: int, genes: np.ndarray) -> np.ndarray:
        """How many of some genes (numbers) a cell of the type and of `n_on` genes has, shape (n,)."""
        depth = np.interp(n_on, self._by_depth[label][0], DEPTHS)
        return expit(self.detection[genes, label] + depth[:, None]).sum(1)

    def expected_cells(self, n_on: np.ndarray, label: int, measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """In how many of n cells of a type each measured gene is expected, and that number's variance, shapes (m,).

        Parameters
        ----------
        n_on
            Measured genes that each cell has, shape (n,).
        measured
            Numbers of the genes that were measured, shape (m,).
        """
        numbers, n_cells = np.unique(n_on, return_counts=True)
        expected = expit(self.detection[measured, label] + DEPTHS[:, None]).sum(1)
        depth = np.interp(numbers, expected, DEPTHS)
        chance = expit(self.detection[measured, label] + depth[:, None])
        return n_cells @ chance, n_cells @ (chance * (1 - chance))

    @cached_property
    def _by_depth(self) -> list[tuple[np.ndarray, ...]]:
        """For each type at each depth: expected genes, log-likelihood of all silent, its mean and deviation,
        and the mean log-odds of one more gene."""
        tables: list[tuple[np.ndarray, ...]] = []
        for odds in self.detection.T:
            shifted = odds + DEPTHS[:, None]
            chance = expit(shifted)
            spread = chance * (1 - chance)
            silent = -np.logaddexp(0, shifted).sum(1)
            mean = (chance * shifted).sum(1) + silent
            # given the number of genes: without the part that follows that number
            variance = (spread * shifted**2).sum(1) - (spread * shifted).sum(1) ** 2 / spread.sum(1)
            centre = (spread * odds).sum(1) / spread.sum(1)
            tables.append((chance.sum(1), silent, mean, np.sqrt(np.maximum(variance, 1e-6)), centre))
        return tables


def fit_profiles(scaled_bins: sparse.csr_matrix, codes: np.ndarray, n_labels: int) -> Profiles:
    """Profiles of the types numbered by `codes`, shape (n,); no cell is of a type without cells.

    Parameters
    ----------
    scaled_bins
        Shape (n, G).
    """
    weight, bias = fit_linear(scaled_bins, codes, n_labels)
    members = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(n_labels, len(codes)))
    n_cells = np.bincount(codes, minlength=n_labels)[:, None] + PRIOR_CELLS
    average = scaled_bins.mean(0).A1
    on = scaled_bins.astype(bool).astype(np.float32)
    chance = ((members @ on).toarray() + PRIOR_CELLS * on.mean(0).A1) / n_cells
    chance = np.clip(chance, RAREST, 1 - RAREST)
    level = ((members @ scaled_bins).toarray() + PRIOR_CELLS * average) / n_cells
    deviation = np.sqrt(np.maximum(scaled_bins.multiply(scaled_bins).mean(0).A1 - average**2, 0))
    return Profiles(weight, bias, np.log(chance / (1 - chance)).T, level.T, deviation)
