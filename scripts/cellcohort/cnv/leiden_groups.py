"""Leiden groups of a patient's cells by their copy-number profiles (infercnvpy), to compare with; no call uses them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

import anndata as ad
import infercnvpy
import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

_MIN_CELLS = 20
_MAX_CELLS = 50_000
_MIN_WINDOWS = 2

_log = logging.getLogger(__name__)


def leiden_groups(profile: sparse.csr_matrix, names: Sequence[str], *, seed: int = 0) -> np.ndarray:
    """Cluster cells by infercnvpy's pca, neighbors and leiden.

    All settings are infercnvpy's defaults, but for exact neighbours (scikit-learn's) and igraph's Leiden, which scanpy
    is about to make its default. The cells are sorted by name first and one thread computes, so the groups depend on
    the set of cells alone.

    Parameters
    ----------
    profile
        (n_cells, n_windows) profile.
    names
        Names of the cells, each once.

    Returns
    -------
    (n_cells,) object: the group's number as text. None for every cell with fewer than 20 cells, more than 50,000 (time
    grows with their square), fewer than two windows, or a profile that is 0 everywhere.
    """
    n_cells, n_windows = profile.shape
    if not _MIN_CELLS <= n_cells <= _MAX_CELLS or n_windows < _MIN_WINDOWS or not profile.count_nonzero():
        _log.info("No Leiden groups of %d cells by %d windows.", n_cells, n_windows)
        return np.full(n_cells, None)
    order = np.argsort(np.asarray(names, dtype=str), kind="stable")
    obs = pd.DataFrame(index=[str(number) for number in range(n_cells)])
    adata = ad.AnnData(obs=obs, obsm={"X_cnv": profile[order].astype(np.float32)})
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", sparse.SparseEfficiencyWarning)  # of scanpy's own neighbours
        infercnvpy.tl.pca(adata, random_state=seed)
        infercnvpy.pp.neighbors(adata, transformer="sklearn", random_state=seed)
        infercnvpy.tl.leiden(adata, flavor="igraph", n_iterations=2, directed=False, random_state=seed)
    groups = np.empty(n_cells, dtype=object)
    groups[order] = adata.obs["cnv_leiden"].astype(object)
    return groups
