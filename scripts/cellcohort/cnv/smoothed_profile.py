"""Smoothed copy-number profile as infercnvpy defines it, computed from the nonzero entries alone.

A zero entry of a cell has one centred and clipped value per gene. The profile of a cell is therefore a constant plus
a sparse product: ``f(0) S + (f(x) - f(0)) S``, with `S` the banded operator (genes x windows) of the running mean. No
cell depends on another one, except through the noise threshold, which comes from named cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from natsort import natsorted
from scipy import sparse

from ..core.provenance import NAME, current
from ..genes.positions import genome_order
from ..outputs.h5ad import write_h5ad

_CHUNK = 2048


@dataclass(frozen=True)
class Profile:
    """A smoothed profile.

    Attributes
    ----------
    values
        CSR float64 (cells x windows): smoothed log fold change to the reference, centred by cell.
    columns
        One row a window: chromosome, start, end, n_genes, genes (tuple of symbols).
    chr_pos
        First window of each chromosome, infercnvpy's ``uns["cnv"]["chr_pos"]``.
    """

    values: sparse.csr_matrix
    columns: pd.DataFrame
    chr_pos: dict[str, int]


def log_normalise(counts: sparse.csr_matrix, totals: np.ndarray) -> sparse.csr_matrix:
    """log1p of counts per 10,000; `totals` (n_cells,) are the cells' counts over all genes."""
    scaled = counts.astype(np.float64)
    scaled.data *= np.repeat(1e4 / np.maximum(totals, 1e-12), np.diff(scaled.indptr))
    np.log1p(scaled.data, out=scaled.data)
    return scaled


def smoothing_operator(
    genes: pd.DataFrame, *, window: int, step: int
) -> tuple[sparse.csr_matrix, pd.DataFrame, dict[str, int]]:
    """Build the running mean as a matrix (genes x windows) with the map of its columns.

    Within a chromosome the genes are sorted by start; every `step`-th pyramid-weighted window of `window` genes is
    kept. A chromosome with no more genes than that is one flat window.
    """
    blocks, tables, chr_pos, first = [], [], {}, 0
    symbols = genes["symbol"].to_numpy()
    for chromosome in genome_order(genes["chromosome"].unique()):
        # The sort of infercnvpy, ties included, so that both give the same windows.
        rows = genes.reset_index(drop=True).query("chromosome == @chromosome").sort_values("start").index.to_numpy()
        length = window if window < len(rows) else len(rows)
        ramp = np.arange(1, length + 1)
        pyramid = np.minimum(ramp, ramp[::-1]) if window < len(rows) else np.ones(length)
        starts = np.arange(0, len(rows) - length + 1, step)
        members = rows[starts[:, None] + np.arange(length)]
        column = np.repeat(np.arange(len(starts)), length)
        values = np.tile(pyramid / pyramid.sum(), len(starts))
        blocks.append(sparse.csr_matrix((values, (members.ravel(), column)), shape=(len(genes), len(starts))))
        tables.append(
            pd.DataFrame(
                {
                    "chromosome": chromosome,
                    "start": genes["start"].to_numpy()[members].min(axis=1).astype(np.int64),
                    "end": genes["end"].to_numpy()[members].max(axis=1).astype(np.int64),
                    "n_genes": length,
                    "genes": [tuple(symbols[row]) for row in members],
                }
            )
        )
        chr_pos[chromosome], first = first, first + len(starts)
    return sparse.hstack(blocks, format="csr"), pd.concat(tables, ignore_index=True), chr_pos


def reference_means(expression: sparse.csr_matrix, groups: np.ndarray) -> np.ndarray:
    """Mean expression (n_groups x genes) of the cells numbered 0, 1, ... in `groups`; -1 is left out."""
    number = groups.max() + 1
    rows = np.flatnonzero(groups >= 0)
    picker = sparse.csr_matrix((np.ones(len(rows)), (groups[rows], rows)), shape=(number, len(groups)))
    return (picker @ expression).toarray() / np.bincount(groups[rows], minlength=number)[:, None]


def infer_profile(
    expression: sparse.spmatrix,
    genes: pd.DataFrame,
    reference: np.ndarray,
    *,
    window: int = 100,
    step: int = 10,
    clip: float = 3.0,
    noise_sd: float | None = 1.5,
    noise_cells: np.ndarray | None = None,
    chunk: int = _CHUNK,
) -> Profile:
    """Compute infercnvpy's profile; equal to its one-chunk result when the noise comes from all cells.

    Parameters
    ----------
    expression
        (n_cells, n_genes) log-normalised expression.
    genes
        Table chromosome, start, end, symbol, a row for each column of `expression`.
    reference
        (n_references, n_genes) mean expression of the reference groups; values between the smallest and the largest
        count as no change.
    noise_sd
        Values below `noise_sd` standard deviations are set to 0; None keeps all.
    noise_cells
        (n_cells,) bool, the cells that the standard deviation is taken from; None: all, as infercnvpy does.
    chunk
        Cells at a time; memory grows with it, the result does not change.
    """
    expression = sparse.csr_matrix(expression)
    operator, columns, chr_pos = smoothing_operator(genes, window=window, step=step)
    low, high = np.atleast_2d(reference).min(axis=0), np.atleast_2d(reference).max(axis=0)

    def smooth(cells: sparse.csr_matrix) -> Iterator[np.ndarray]:
        for start in range(0, cells.shape[0], chunk):
            yield _smooth(cells[start : start + chunk], operator, low, high, clip)

    threshold = 0.0
    if noise_sd is not None and expression.shape[0]:
        noisy = expression if noise_cells is None else expression[np.flatnonzero(noise_cells)]
        threshold = noise_sd * _standard_deviation(smooth(noisy))
    rows = []
    for block in smooth(expression):
        block[np.abs(block) < threshold] = 0
        rows.append(sparse.csr_matrix(block))
    values = sparse.vstack(rows, format="csr") if rows else sparse.csr_matrix((0, operator.shape[1]))
    return Profile(values, columns, chr_pos)


def _smooth(
    block: sparse.csr_matrix, operator: sparse.csr_matrix, low: np.ndarray, high: np.ndarray, clip: float
) -> np.ndarray:
    """Centre on the bounds, clip, smooth and centre by cell: dense (cells x windows)."""
    at_zero = _clipped(np.zeros_like(low), low, high, clip)
    change = block.astype(np.float64)
    change.data = _clipped(change.data, low[block.indices], high[block.indices], clip) - at_zero[block.indices]
    smoothed = (change @ operator).toarray() + at_zero @ operator
    return smoothed - np.median(smoothed, axis=1, keepdims=True)


def _clipped(values: np.ndarray, low: np.ndarray, high: np.ndarray, clip: float) -> np.ndarray:
    return np.clip(np.maximum(values - high, 0) + np.minimum(values - low, 0), -clip, clip)


def _standard_deviation(blocks: Iterator[np.ndarray]) -> float:
    """Standard deviation of all entries, the same for every chunk size and order of cells."""
    sums, squares, width = [], [], 0
    for block in blocks:
        sums.extend(block.sum(axis=1))
        squares.extend(np.einsum("ij,ij->i", block, block))
        width = block.shape[1]
    number = len(sums) * width
    if number == 0:
        return 0.0
    mean = math.fsum(sums) / number
    return math.sqrt(max(math.fsum(squares) / number - mean * mean, 0.0))


def write_profile(path: str | Path, obs: pd.DataFrame, profile: Profile) -> None:
    """Write a profile as the .h5ad that infercnvpy's plots read.

    ``obsm["X_cnv"]`` float32 CSR, ``uns["cnv"]["chr_pos"]``, and the map of the columns as arrays in
    ``uns["cnv"]["columns"]`` (genes joined by ";"). X is empty: the counts stay in the sample's own file. Text of `obs`
    becomes categorical, its categories in natural order.
    """
    text = obs.select_dtypes(exclude=["number", "bool"])
    obs = obs.assign(**{name: _categorical(column) for name, column in text.items()})
    columns = profile.columns.assign(genes=[";".join(genes) for genes in profile.columns["genes"]])
    adata = ad.AnnData(
        X=sparse.csr_matrix((len(obs), 0), dtype=np.float32),
        obs=obs,
        obsm={"X_cnv": profile.values.astype(np.float32)},
        uns={
            "cnv": {"chr_pos": dict(profile.chr_pos), "columns": {k: v.to_numpy() for k, v in columns.items()}},
            NAME: current(),
        },
    )
    write_h5ad(path, adata)


def _categorical(column: pd.Series) -> pd.Categorical:
    return pd.Categorical(column, categories=natsorted(column.dropna().unique()))
