"""Simulation of another measurement platform: some genes lost, the others' expression rescaled gene by gene.

What is calibrated on held-out cells of the reference's own study trusts what fails in the next one. A simulated
platform, whose gene effects all cells share, tells which member of the ensemble survives the change.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from ..model.tokens import LEVEL_UNIT, Tokens, log_levels, tokenise

LOST_GENES = 0.3
GENE_EFFECT = 0.5  # standard deviation of a gene's factor, natural logarithm


def simulate_platform(tokens: Tokens, *, n_genes: int, n_bins: int, seed: int, by_value: bool = False) -> Tokens:
    """The same cells with every gene's bin and share times a factor of that gene, binned and measured anew."""
    rng = np.random.default_rng(seed)
    effect = np.exp(rng.normal(0, GENE_EFFECT, n_genes)) * (rng.random(n_genes) >= LOST_GENES)
    # a bin by value is the log of values up to one below it
    values = np.expm1(tokens.bins - 0.5) if by_value else tokens.bins
    values = (values * effect[tokens.genes]).astype(np.float32)
    counts = sparse.csr_matrix((values, tokens.genes.astype(np.int32), tokens.indptr), shape=(len(tokens), n_genes))
    binned, measured = tokenise(counts, n_bins=n_bins, by_value=by_value), tokens.drop(effect[tokens.genes] > 0)
    shares = np.expm1(measured.levels.astype(np.float32) * LEVEL_UNIT) * effect[measured.genes]
    return replace(binned, levels=log_levels(binned.indptr, shares))
