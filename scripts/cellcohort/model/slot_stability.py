"""How often a slot's genes come together again: the additive workspace's grouping of genes, found anew in cells drawn
from the reference.

A slot is anchored to a group of genes that go together. It returns in a refit where a group found there is the same by
more than half of both groups' genes (Jaccard index above 0.5, below which a group is dissolved: Hennig, Computational
Statistics & Data Analysis 2007); no two groups of a refit can both be.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ..reference.splits import spread_sample
from .additive import AdditiveConfig, AdditiveWorkspace
from .additive_start import clusters
from .gene_embedding import leading_axes
from .token_store import TokenStore
from .tokens import scale_bins

N_REFITS = 20
MAX_CELLS = 8_000  # of which halves are drawn, rare labels spared
SAME = 0.5


def slot_stability(model: AdditiveWorkspace, store: TokenStore, *, seed: int) -> np.ndarray:
    """Share of refits to random halves of the training cells in which each slot returns, shape (n_slots,)."""
    config = model.config
    training = np.flatnonzero(store.cells["split"] == "train")
    rows = training[spread_sample(store.cells.iloc[training], limit=MAX_CELLS, seed=seed)]
    groups = model.prior.weight.detach().cpu().numpy().argmax(1)
    return stability_of_groups(groups, scale_bins(store.read(rows), config.n_genes, config.n_bins), config, seed=seed)


def stability_of_groups(
    groups: np.ndarray, scaled_bins: sparse.csr_matrix, config: AdditiveConfig, *, seed: int
) -> np.ndarray:
    """Share of `N_REFITS` refits to random halves of the cells in which each group of genes returns.

    Parameters
    ----------
    groups
        Number of the group of each gene, shape (n_genes,).
    scaled_bins
        `tokens.scale_bins` of the cells, shape (n, n_genes).
    """
    n_cells, returned = scaled_bins.shape[0], np.zeros(config.n_slots)
    for refit in range(N_REFITS):
        half = np.random.default_rng((seed, refit)).permutation(n_cells)[: max(n_cells // 2, 2)]
        found = group_genes(scaled_bins[np.sort(half)], n_axes=config.d_slot, n_groups=config.n_slots)
        returned += overlap(groups, found, config.n_slots) > SAME
    return returned / N_REFITS


def group_genes(scaled_bins: sparse.csr_matrix, *, n_axes: int, n_groups: int) -> np.ndarray:
    """Number of the group of each gene by its co-expression in n cells, as `start_as_linear` groups them."""
    return clusters(leading_axes(scaled_bins, n_axes), n_groups)


def overlap(groups: np.ndarray, found: np.ndarray, n_slots: int) -> np.ndarray:
    """Jaccard index of each group of genes with the most similar of other groups of them, shape (n_slots,)."""
    shared = np.zeros((n_slots, n_slots))
    np.add.at(shared, (groups, found), 1)
    union = shared.sum(1)[:, None] + shared.sum(0) - shared
    return (shared / np.maximum(union, 1)).max(1)
