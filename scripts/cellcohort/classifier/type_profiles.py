"""What the reference's types look like, gene by gene, and how well a cell suits one of them.

Everything here is fitted in closed form on levels (expression bins scaled to 0..1, silent genes 0), so that it can be
fitted anew without each donor of the reference in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.special import expit, logsumexp

from .linear import IMPOSSIBLE, fit_evidence

PRIOR_CELLS = 2  # cells of average expression that every type gets on top of its own
RAREST = 1e-3  # chance of detection that no gene falls below, nor its complement
DEPTHS = np.linspace(-8, 8, 129)  # shifts of the log-odds of detection between which cells of any depth lie
UNLIKE = 1e3  # atypicality of every cell for a type without cells
VIEWS = ("energy", "atypicality", "rarity", "dissimilarity")


@dataclass(frozen=True)
class Comparison:
    """n cells beside the reference's types.

    Attributes
    ----------
    evidence, typicality
        Of each type: logits of the linear model; minus the atypicality (`Profiles`), shape (n, L).
    types
        Number of the type of most evidence, shape (n,).
    views
        How strange the cell looks for that type in four ways (`VIEWS`), higher is stranger, shape (n, 4): free energy
        of the evidence; atypicality (`Profiles`); rarity, the mean surprise of the genes that are on; dissimilarity,
        one minus the cosine to the type's mean.
    origins
        Number of the type for which the cell is least atypical, shape (n,).
    margins
        By how much less than for the next type, in standard deviations, shape (n,).
    """

    evidence: np.ndarray
    typicality: np.ndarray
    types: np.ndarray
    views: np.ndarray
    origins: np.ndarray
    margins: np.ndarray

    def readings(self, logits: np.ndarray) -> np.ndarray:
        """The cells' readings (calibration.READINGS) with the workspace's `logits` (n, L), shape (3, n, L)."""
        return np.stack([logits, self.evidence, self.typicality])


@dataclass(frozen=True)
class Profiles:
    """Profiles of L reference types over G genes.

    Attributes
    ----------
    weight, bias
        Linear evidence for each type (`evidence.fit_evidence`), shapes (G, L) and (L,).
    detection
        Log-odds that a cell of the type has the gene, shape (G, L).
    level
        Mean level, shape (G, L).
    deviation
        Standard deviation of a gene's level over all cells, shape (G,).
    """

    weight: np.ndarray
    bias: np.ndarray
    detection: np.ndarray
    level: np.ndarray
    deviation: np.ndarray

    def compare(self, levels: sparse.csr_matrix) -> Comparison:
        """Set n cells beside the types; `levels` has the shape (n, G)."""
        evidence = levels @ self.weight + self.bias
        types, rows = evidence.argmax(1), np.arange(len(evidence))
        on = levels.copy()
        on.data = np.ones_like(on.data)
        length = np.sqrt(levels.multiply(levels).sum(1)).A1 if len(rows) else np.zeros(0)
        norms = np.maximum(length[:, None] * np.linalg.norm(self.level, axis=0), 1e-12)
        similarity = (levels @ self.level) / norms
        surprise = (on @ np.logaddexp(0, -self.detection)) / np.maximum(np.diff(levels.indptr), 1)[:, None]
        atypicality = self._atypicality(on)
        views = [
            -logsumexp(evidence, axis=1),
            atypicality[rows, types],
            surprise[rows, types],
            1 - similarity[rows, types],
        ]
        nearest = np.sort(atypicality, axis=1)[:, :2]
        margins = nearest[:, 1] - nearest[:, 0]
        return Comparison(evidence, -atypicality, types, np.column_stack(views), atypicality.argmin(1), margins)

    def _atypicality(self, on: sparse.csr_matrix) -> np.ndarray:
        """Minus the standardised log-likelihood of which genes are on in a cell, for each type, shape (n, L).

        Genes are independent given the type, and the type's log-odds are shifted so that it expects as many genes as
        the cell has: depth by itself makes no cell strange.
        """
        n_on = np.diff(on.indptr)
        score = on @ self.detection
        for label, (expected, silent, mean, deviation, _) in enumerate(self._by_depth):
            depth = np.interp(n_on, expected, DEPTHS)
            likelihood = score[:, label] + n_on * depth + np.interp(depth, DEPTHS, silent)
            score[:, label] = np.interp(depth, DEPTHS, mean) - likelihood
            score[:, label] /= np.interp(depth, DEPTHS, deviation)
        score[:, self.bias <= IMPOSSIBLE] = UNLIKE
        return score

    def by_number(self, n_on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What cells of `n_on` genes, shape (n,), are judged by for each type, shapes (n, L): the mean log-odds of
        detection of one more gene, and the standard deviation of the log-likelihood."""
        centre, deviation = np.empty((2, len(n_on), len(self.bias)))
        for label, (expected, _, _, deviations, centres) in enumerate(self._by_depth):
            depth = np.interp(n_on, expected, DEPTHS)
            centre[:, label] = np.interp(depth, DEPTHS, centres)
            deviation[:, label] = np.interp(depth, DEPTHS, deviations)
        return centre, deviation

    def expected_cells(self, n_on: np.ndarray, label: int, measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """In how many of n cells of a type each measured gene is expected, and the variance of that number.

        Parameters
        ----------
        n_on
            Genes that each cell has, shape (n,).
        measured
            Numbers of the genes that were measured, shape (m,), the shape of what is returned.
        """
        odds = self.detection[measured, label]
        depth = np.interp(n_on, expit(odds + DEPTHS[:, None]).sum(1), DEPTHS)
        chance = expit(odds + depth[:, None])
        return chance.sum(0), (chance * (1 - chance)).sum(0)

    @cached_property
    def _by_depth(self) -> list[tuple[np.ndarray, ...]]:
        """For each type at each depth: expected genes, log-likelihood of all silent, its mean and deviation,
        and the mean log-odds of one more gene."""
        tables = []
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


def fit_profiles(levels: sparse.csr_matrix, codes: np.ndarray, n_labels: int) -> Profiles:
    """Profiles of the types numbered by `codes`, shape (n,); no cell is of a type without cells.

    Parameters
    ----------
    levels
        Shape (n, G).
    """
    weight, bias = fit_evidence(levels, codes, n_labels)
    members = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(n_labels, len(codes)))
    n_cells = np.bincount(codes, minlength=n_labels)[:, None] + PRIOR_CELLS
    average = levels.mean(0).A1
    on = levels.astype(bool).astype(np.float32)
    chance = ((members @ on).toarray() + PRIOR_CELLS * on.mean(0).A1) / n_cells
    chance = np.clip(chance, RAREST, 1 - RAREST)
    level = ((members @ levels).toarray() + PRIOR_CELLS * average) / n_cells
    deviation = np.sqrt(np.maximum(levels.multiply(levels).mean(0).A1 - average**2, 0))
    return Profiles(weight, bias, np.log(chance / (1 - chance)).T, level.T, deviation)
