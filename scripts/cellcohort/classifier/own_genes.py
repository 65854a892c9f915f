"""A type's own genes: those that set it apart from the other types, and how many of them a cell has kept.

The nearest type is always some type. Cells of a lineage that the reference lacks are nearest to a type whose own genes
they do not have: what they share with it, other types share as well.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ..model.linear import IMPOSSIBLE
from .type_profiles import Profiles

N_OWN_GENES = 50
N_DEPTHS = 128  # numbers of genes at which expectations are computed, linear between them


class OwnGenes:
    """The own genes of L types, and what cells keep of them.

    Parameters
    ----------
    profiles
        The types, as they are for the genes that the sample measures.
    measured
        Numbers of these genes.
    """

    def __init__(self, profiles: Profiles, measured: np.ndarray):
        self._profiles, self._measured = profiles, measured
        self._types = np.flatnonzero(profiles.bias > IMPOSSIBLE)
        self._n_on = np.unique(np.geomspace(1, len(profiles.weight), N_DEPTHS).round())
        self._tables: dict[int, tuple[np.ndarray, ...]] = {}

    def genes(self, label: int) -> np.ndarray:
        """Those of the measured genes whose log-odds of detection exceed the other types' mean the most."""
        detection = self._profiles.detection[self._measured]
        apart = detection[:, label] - detection[:, self._types[self._types != label]].mean(1)
        return self._measured[np.argsort(-apart, kind="stable")[:N_OWN_GENES]]

    def kept(self, on: sparse.csr_matrix, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many of its type's own genes each of n cells has beyond those that a cell of the other types has, and how
        many a cell of the type has beyond them, shapes (n,): in cells of as many genes, so that depth changes nothing.

        The sum of the first over that of the second is about 1 in cells of the type, 0 in cells of the other types.

        Parameters
        ----------
        on
            Which genes each cell has, 0 or 1, shape (n, G).
        labels
            Number of the type that each cell is held against, shape (n,).
        """
        kept, expected = np.zeros((2, len(labels)))
        for label in np.unique(labels):
            cells = np.flatnonzero(labels == label)
            n_on = np.diff(on.indptr)[cells]
            genes, *tables = self._of_type(int(label))
            of_type, of_others = (np.interp(n_on, self._n_on, table) for table in tables)
            kept[cells] = on[cells][:, genes].sum(1).A1 - of_others
            expected[cells] = of_type - of_others
        return kept, expected

    def _of_type(self, label: int) -> tuple[np.ndarray, ...]:
        """Numbers of the own genes, and how many are expected in a cell of the type, and of the other types on average,
        by its number of genes."""
        if label not in self._tables:
            genes, others = self.genes(label), self._types[self._types != label]
            of_others = np.mean([self._profiles.expected_genes(self._n_on, code, genes) for code in others], axis=0)
            self._tables[label] = genes, self._profiles.expected_genes(self._n_on, label, genes), of_others
        return self._tables[label]
