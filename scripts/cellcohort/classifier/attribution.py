"""Attribution of a cell's label to its genes: exact contributions to the logits of the ensemble's additive members.

The linear logits and typicality (`type_profiles`) are sums over the genes that are on in a cell. What a gene adds to
the label's logit, less what it adds to the other labels' on average, is therefore known in closed form, cell by cell.
The additive workspace divides its own logits (`model.reading`); what the published network adds is no sum over genes
and is divided among none.
"""

from __future__ import annotations

import numpy as np

from ..model.linear import IMPOSSIBLE
from ..model.tokens import Tokens
from .type_profiles import Profiles


def label_contrast(profiles: Profiles) -> np.ndarray:
    """Weights of the logits in the contrast of each label to the mean of the others, shape (n_labels, n_labels)."""
    own = np.eye(len(profiles.bias), dtype=bool)
    others = (profiles.bias > IMPOSSIBLE) & ~own
    return own - others / others.sum(1, keepdims=True)


class GeneContributions:
    """Contributions of genes to the contrast between a cell's label and the mean of the other labels.

    Parameters
    ----------
    profiles
        The reference's types.
    weights
        Weights of the ensemble's members (`ensemble.MEMBERS`), shape (3,).
    n_bins
        Number of expression bins.
    """

    def __init__(self, profiles: Profiles, weights: np.ndarray, n_bins: int):
        contrast = label_contrast(profiles)
        self._profiles = profiles
        self._detection = profiles.detection.astype(np.float32)
        self._linear = weights[1] / n_bins * (profiles.weight @ contrast.T)  # of a label and one bin
        self._typicality = weights[2] * contrast

    def of(self, tokens: Tokens, labels: np.ndarray) -> np.ndarray:
        """In log-odds, for each token of n cells with the label numbers `labels`, shape (n tokens,).

        A cell's sum is the contrast in the weighted linear logits and typicality, but for a constant that depends on
        its label and its number of genes alone. To the typicality a gene adds what it says beyond an average gene,
        because typicality is standardised among cells of the same number of genes.
        """
        lengths = tokens.lengths
        centre, deviation = self._profiles.given_n_genes(lengths)
        weights = self._typicality[labels] / deviation
        odds = np.repeat(weights.astype(np.float32), lengths, axis=0)
        typicality = np.einsum("tl,tl->t", self._detection[tokens.genes], odds, dtype=np.float64)
        typicality -= np.repeat((weights * centre).sum(1), lengths)
        return typicality + self._linear[tokens.genes, np.repeat(labels, lengths)] * tokens.bins
