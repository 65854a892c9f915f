"""Matrices whose values are not what they seem: logarithms, 0 and 1, denoised, absurd, rows that are no genes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from .case import GENES, Case, cells, counts_of


def _file(values: Callable[[], np.ndarray], genes: list[str] = GENES) -> Callable[[Path], dict[str, str]]:
    """The maker of an .h5ad with these values; its genes are `GENES` and, where there are more, made-up ones."""

    def make(folder: Path) -> dict[str, str]:
        matrix = values()
        names = [*genes, *(f"OTHER{i}" for i in range(matrix.shape[1] - len(genes)))]
        obs = pd.DataFrame(index=[f"cell{i:04d}" for i in range(matrix.shape[0])])
        content = ad.AnnData(matrix, obs=obs, var=pd.DataFrame(index=names))
        content.write_h5ad(folder / "sample.h5ad")
        return {"path": "sample.h5ad"}

    return make


def _tpm_subset(base: float) -> np.ndarray:
    """log(TPM / 10 + 1) of two thirds of the genes, as full-length protocols are deposited."""
    rng = np.random.default_rng(0)
    level, length = rng.lognormal(0.0, 1.5, 1500), rng.uniform(500, 6000, 1500)
    tpm = rng.poisson(rng.gamma(0.7, level / 0.7, (40, 1500))) / length
    tpm *= 1e5 / tpm.sum(axis=1, keepdims=True)
    kept = np.sort(rng.choice(1500, 1000, replace=False))
    return (np.log1p(np.round(tpm[:, kept], 1)) / np.log(base)).astype(np.float32)


def _normalised() -> np.ndarray:
    counts = counts_of().toarray()
    return counts / counts.sum(axis=1, keepdims=True) * 1000


def _detected() -> np.ndarray:
    return (np.random.default_rng(0).poisson(1.5, (80, 40)) > 0).astype(np.float32)


def _denoised() -> np.ndarray:
    """Means of a model of each cell, all above zero, as scVI gives them for a library of 10,000."""
    mean = np.random.default_rng(0).gamma(0.5, 1, (60, 200)) + 1e-4
    return (mean / mean.sum(axis=1, keepdims=True) * 1e4).astype(np.float32)


def _hardly_a_zero() -> np.ndarray:
    values = _denoised()
    values[::20, 5] = 0
    return values * np.random.default_rng(1).uniform(0.5, 2, (60, 1)).astype(np.float32)


def _shallow() -> sparse.csr_matrix:
    """25 counts a cell, of 25 of 5,040 genes, as by a tissue section of low capture."""
    rng = np.random.default_rng(0)
    columns = np.concatenate([np.sort(rng.choice(5040, 25, replace=False)) for _ in range(60)])
    return sparse.csr_matrix((np.ones(1500, np.float32), columns, np.arange(0, 1501, 25)), shape=(60, 5040))


def _with(value: float, row: int = 3, n_cells: int = 60, dtype: type = np.float32, log: bool = False) -> np.ndarray:
    """Counts, or their logarithms, with one odd value."""
    values = counts_of(n_cells).toarray().astype(dtype)
    values = np.log1p(values) if log else values
    values[row, 5] = value
    return values


def _more_rows(names: list[str], counts: int) -> Callable[[Path], dict[str, str]]:
    """Forty genes and rows that are none, of many counts."""

    def values() -> np.ndarray:
        return np.hstack([counts_of().toarray(), np.full((60, len(names)), counts, np.float32)])

    return _file(values, [*GENES, *names])


def _only_spike_ins_pass(folder: Path) -> dict[str, str]:
    """Empty wells, whose counts are those of spike-ins."""
    content = cells()
    matrix = content.X.toarray()
    matrix[:30] = 0
    spiked = np.hstack([matrix, np.full((60, 92), 40, np.float32)])
    var = pd.DataFrame(index=[*GENES, *(f"ERCC-{i:05d}" for i in range(2, 94))])
    ad.AnnData(sparse.csr_matrix(spiked), obs=content.obs, var=var).write_h5ad(folder / "sample.h5ad")
    return {"path": "sample.h5ad"}


def _copied_columns(folder: Path) -> dict[str, str]:
    content = cells()
    ad.concat([content, content[:, :20]], axis=1, merge="first").write_h5ad(folder / "sample.h5ad")
    return {"path": "sample.h5ad"}


CASES = [
    Case("log2_gene_subset", "log2(TPM / 10 + 1) of some genes", _file(lambda: _tpm_subset(2)), "read", "2 is taken"),
    Case("ln_gene_subset", "ln(TPM / 10 + 1) of some genes", _file(lambda: _tpm_subset(np.e)), "read", "e is taken"),
    Case(
        "log2_all_genes",
        "log2 of values per 1,000, of all genes",
        _file(lambda: np.log2(_normalised() + 1)),
        "read",
        says="to base 2",
        holds=(60, 40, 60_000),
    ),
    Case("zeros_and_ones", "A matrix of 0 and 1", _file(_detected), "rejected", "not how often"),
    Case("true_and_false", "A boolean matrix", _file(lambda: _detected().astype(bool)), "rejected"),
    Case("ones_as_uint8", "A matrix of 0 and 1 in bytes", _file(lambda: _detected().astype(np.uint8)), "rejected"),
    Case(
        "binary_then_normalised",
        "0 and 1, normalised to 10,000 a cell and logged",
        _file(lambda: np.log1p(_detected() / _detected().sum(axis=1, keepdims=True) * 1e4)),
        "rejected",
        says="not how often",
    ),
    Case(
        "shallow_ones",
        "Counts so few that none is above one",
        _file(_shallow),
        "read",
        holds=(60, 5040, 1500),
    ),
    Case("denoised_by_scvi", "Denoised by scVI: no value is zero", _file(_denoised), "rejected", "denoising"),
    Case(
        "denoised_and_logged",
        "Denoised values, logged",
        _file(lambda: np.log1p(_denoised())),
        "rejected",
        says="denoising",
    ),
    Case(
        "denoised_by_dca",
        "Means of DCA, of cells of different size, some of them zero",
        _file(_hardly_a_zero),
        "rejected",
        says="denoising",
    ),
    Case(
        "imputed_by_magic",
        "Square roots smoothed over neighbours by MAGIC",
        _file(lambda: np.sqrt(_denoised())),
        "rejected",
        says="denoising",
    ),
    Case("value_1e38", "A value of 1e38", _file(lambda: _with(1e38)), "rejected", "16,777,216 counts"),
    Case("value_1e300", "A value that 32 bits cannot hold", _file(lambda: _with(1e300, dtype=np.float64)), "rejected"),
    Case("count_of_2_to_25", "A count of 2^25", _file(lambda: _with(2.0**25)), "rejected", "16,777,216 counts"),
    Case(
        "largest_integer",
        "The largest integer of 64 bits, as a mark of what is missing",
        _file(lambda: _with(2**63 - 1025, dtype=np.int64)),
        "rejected",
        says="16,777,216 counts",
    ),
    Case("minus_one_for_missing", "-1 where a count is missing", _file(lambda: _with(-1)), "rejected", "negative"),
    Case(
        "nan_between_the_cells_looked_at",
        "A single NaN, in a cell from which the kind of values is not told",
        _file(lambda: _with(np.nan, row=70, n_cells=5000)),
        "rejected",
        says="NaN",
    ),
    Case(
        "absurd_logarithm",
        "Logarithms, and a single value of 90",
        _file(lambda: _with(90, row=70, n_cells=5000, log=True)),
        "rejected",
        says="too large for a logarithm",
    ),
    Case(
        "cells_alike",
        "One profile, written 60 times",
        _file(lambda: np.tile(np.arange(1, 41, dtype=np.float32), (60, 1))),
        "read",
    ),
    Case("spike_ins", "ERCC spike-ins", _more_rows(["ERCC-00002", "ERCC-00003"], 90), "read", "2 rows"),
    Case(
        "spike_ins_of_empty_wells",
        "Empty wells that hold spike-ins alone",
        _only_spike_ins_pass,
        "read",
        says="50% of the cells (30) have low counts",
    ),
    Case("antibody_rows", "Antibodies by their prefix", _more_rows(["AB_CD3", "ADT-CD4"], 9), "read", "antibodies"),
    Case("hashtag_rows", "Tags of pooled samples", _more_rows(["HTO_A", "Hashtag2-TotalA"], 9), "read", "2 rows"),
    Case(
        "summary_rows",
        "The summaries that HTSeq and STAR write below the genes",
        _more_rows(["__no_feature", "__alignment_not_unique", "N_unmapped"], 900),
        "read",
        says="3 rows are no genes",
    ),
    Case(
        "control_probes",
        "Control probes",
        _more_rows(["NegControlProbe_00042", "BLANK_1"], 3),
        "read",
        "2 ro",
    ),
    Case(
        "copied_columns",
        "Half of the genes twice, with the same counts",
        _copied_columns,
        "rejected",
        says="Remove the copies",
    ),
]
