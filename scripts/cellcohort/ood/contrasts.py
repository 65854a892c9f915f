"""Contrasts of a sample's labels: what sets a label apart from the others in the reference, and how much of it is kept.

A technical shift leaves the types their contrasts to one another; cells of an unknown type that were given several
labels show little of them. A contrast is corrected for the noise of the few cells it is read from, so that five do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

DEVIATION_FLOOR = 0.02


@dataclass(frozen=True)
class Contrast:
    """A contrast of a label to others: inner products over genes in units of their deviations.

    Attributes
    ----------
    product
        Of the contrast in the sample and that in the reference.
    here, there
        Of the contrast in the sample with itself, less its noise; of that in the reference.
    """

    product: float
    here: float
    there: float

    @property
    def kept(self) -> float:
        """How much of the reference's contrast the sample keeps: the lesser of slope and correlation."""
        size = np.sqrt(max(self.here, 0) * self.there)
        return float(self.product / max(self.there, size, 1e-12))


class Contrasts:
    """The contrasts of a sample's labels to one another, read from a few cells of each.

    Parameters
    ----------
    groups
        Scaled bins of these cells by label number, shape (n, n_genes) each.
    level, deviation
        As in `type_profiles.Profiles`.
    """

    def __init__(self, groups: Mapping[int, sparse.csr_matrix], level: np.ndarray, deviation: np.ndarray):
        self.means = {code: bins.mean(0).A1.astype(float) for code, bins in groups.items()}
        self.n_cells = {code: bins.shape[0] for code, bins in groups.items()}
        self.level, self.weight = level, 1 / (deviation + DEVIATION_FLOOR)
        squares = sum(bins.multiply(bins).sum(0).A1 for bins in groups.values())
        within = squares - sum(self.n_cells[code] * mean**2 for code, mean in self.means.items())
        freedom = max(sum(self.n_cells.values()) - len(groups), 1)
        self.noise = float((np.maximum(within, 0) * self.weight**2).sum() / freedom)

    def of(self, code: int, others: Collection[int], cells: sparse.csr_matrix | None = None) -> Contrast:
        """Contrast of a label to others.

        Parameters
        ----------
        cells
            Scaled bins of other cells of the label than those it was given with, shape (n, n_genes).
        """
        rest = [other for other in others if other != code]
        mean, n_cells = self.means[code], self.n_cells[code]
        if cells is not None:
            mean, n_cells = cells.mean(0).A1.astype(float), cells.shape[0]
        here = (mean - np.mean([self.means[other] for other in rest], axis=0)) * self.weight
        there = (self.level[:, code] - self.level[:, rest].mean(1)) * self.weight
        noise = self.noise * (1 / n_cells + sum(1 / self.n_cells[other] for other in rest) / len(rest) ** 2)
        return Contrast(here @ there, here @ here - noise, there @ there)


def together(contrasts: Mapping[int, Contrast], weights: Mapping[int, int]) -> float:
    """How much the labels keep of their contrasts, taken as one, each with the weight of its cells."""
    sums = [
        sum(weights[code] * getattr(each, part) for code, each in contrasts.items())
        for part in ("product", "here", "there")
    ]
    return Contrast(*sums).kept
