"""Doublets by scanpy's scrublet, in memory that the sample's variable genes bound."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import sparse

from ..genes.highly_variable import rank_genes, standardised_variance
from ..genes.non_gene_rows import non_genes
from ..inputs.counts import Counts
from ..inputs.value_kind import COUNTS

MOST_CELLS = 100_000
_N_GENES = 2000
_FEWEST_GENES = 2
_EQUAL = 1e-5
_N_COMPONENTS = 30
_MOST_SIMULATED = 60_000
_MOST_NEIGHBOURS = 50
_RATE_PER_CELL = 8e-6
_SEED = 0


def call_doublets(counts: Counts, rows: np.ndarray, *, fewest: int) -> tuple[pd.DataFrame | None, str]:
    """Score the cells `rows` against simulated doublets of the same sample.

    Cells and genes are sorted by name first, so the scores do not depend on the file's order. Twice as many doublets as
    cells are simulated, at most 60,000, and half the square root of the number of cells is the number of neighbours, at
    most 50; both bounds keep large samples feasible. Scrublet's threshold (the minimum between the two modes of the
    simulated scores) is not used where it calls more than twice the share of doublets expected of the number of cells
    (0.8 % in each 1,000, but at least 5 %): it was then misled by a population.

    Returns
    -------
    A table with `score` and `doublet` in the order of `rows`, or None when it was skipped, and a note.
    """
    if counts.kind != COUNTS:
        return None, f"doublets: not called, as the values are {counts.kind}"
    if not fewest <= rows.size <= MOST_CELLS:
        return None, f"doublets: not called for {rows.size} cells (called for {fewest} to {MOST_CELLS})"
    order = np.argsort(counts.cell_ids[rows].astype(str), kind="stable")
    matrix = _variable(counts, rows)[order]
    if matrix.shape[1] < _FEWEST_GENES:
        return None, f"doublets: not called, as only {matrix.shape[1]} genes vary between cells"
    scores, threshold = _scrublet(matrix)
    expected = max(0.05, _RATE_PER_CELL * rows.size)
    called = scores > threshold
    note = f"doublets: {called.sum()} of {rows.size} cells called at a score above {threshold:.3f}"
    if called.mean() > 2 * expected:
        note = (
            f"doublets: none called; scrublet's threshold would call {called.mean():.0%} of the cells, more than twice "
            f"the {expected:.0%} expected"
        )
        called[:] = False
    result = pd.DataFrame(index=np.arange(rows.size), data={"score": np.nan, "doublet": False})
    result.loc[order, "score"], result.loc[order, "doublet"] = scores, called
    return result, note


def _variable(counts: Counts, rows: np.ndarray) -> sparse.csr_matrix:
    """The counts of the most variable genes, sorted by gene name."""
    names = counts.genes["symbol"].to_numpy(str)
    variance = standardised_variance(counts, rows)
    variance[:, non_genes(counts.genes["symbol"])] = 0
    chosen = rank_genes(variance, _N_GENES, names)[:_N_GENES]
    chosen = chosen[np.argsort(names[chosen], kind="stable")]
    matrix = sparse.vstack([chunk[:, chosen] for _, chunk in counts.chunks(rows)], format="csr")
    varies = _varies(matrix)
    return matrix if varies.all() else matrix[:, varies]


def _varies(matrix: sparse.csr_matrix) -> np.ndarray:
    """Genes (n_genes,) whose share of a cell's counts is not the same in all cells: scrublet divides by its spread."""
    if not matrix.nnz:
        return np.zeros(matrix.shape[1], bool)
    total = matrix.sum(axis=1, dtype=np.float64).A1
    share = sparse.diags(np.divide(1, total, out=np.zeros_like(total), where=total > 0)) @ matrix
    low, high = share.min(axis=0).toarray().ravel(), share.max(axis=0).toarray().ravel()
    return high - low > _EQUAL * high


def _scrublet(matrix: sparse.csr_matrix) -> tuple[np.ndarray, float]:
    """Scores of cells and the automatic threshold (infinite when scrublet finds none)."""
    import anndata
    import scanpy as sc
    from threadpoolctl import threadpool_limits

    n_cells = matrix.shape[0]
    sample = anndata.AnnData(matrix)
    with warnings.catch_warnings(), threadpool_limits(1):  # sums in another order could move a score
        warnings.simplefilter("ignore")
        simulated = sc.pp.scrublet_simulate_doublets(
            sample, sim_doublet_ratio=min(2.0, _MOST_SIMULATED / n_cells), random_seed=_SEED
        )
        for cells in (sample, simulated):
            sc.pp.normalize_total(cells, target_sum=1e6)
        sc.pp.scrublet(
            sample,
            adata_sim=simulated,
            mean_center=False,
            n_prin_comps=min(_N_COMPONENTS, min(matrix.shape) - 1),
            n_neighbors=min(round(0.5 * n_cells**0.5), _MOST_NEIGHBOURS),
            use_approx_neighbors=False,
            random_state=_SEED,
            verbose=False,
        )
    return sample.obs["doublet_score"].to_numpy(np.float64), float(sample.uns["scrublet"].get("threshold", np.inf))
