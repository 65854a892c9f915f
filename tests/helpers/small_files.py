"""Samples as files of every form, from a sparse matrix and names: what people's programs write."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.io import mmwrite

Writer = Callable[[Path, sparse.csr_matrix, Sequence[str], Sequence[str]], Path]


def as_anndata(matrix: sparse.csr_matrix, cells: Sequence[str], genes: Sequence[str]) -> ad.AnnData:
    """The matrix with names, and an obs column of types with a missing one."""
    kind = pd.Categorical(np.resize(np.array(["T", "B", None], object), len(cells)))
    obs = pd.DataFrame({"cell_type": kind}, index=pd.Index(list(cells), dtype=object))
    return ad.AnnData(matrix.astype(np.float32), obs=obs, var=pd.DataFrame(index=pd.Index(list(genes), dtype=object)))


def write_csr(folder: Path, matrix: sparse.csr_matrix, cells: Sequence[str], genes: Sequence[str]) -> Path:
    """.h5ad, compressed by row."""
    as_anndata(matrix, cells, genes).write_h5ad(folder / "csr.h5ad")
    return folder / "csr.h5ad"


def write_csc(folder: Path, matrix: sparse.csr_matrix, cells: Sequence[str], genes: Sequence[str]) -> Path:
    """.h5ad, compressed by column, with counts in a layer and in raw, too."""
    adata = as_anndata(matrix, cells, genes)
    adata.X = sparse.csc_matrix(adata.X)
    adata.layers["counts"] = adata.X.copy()
    adata.raw = adata
    adata.write_h5ad(folder / "csc.h5ad", compression="gzip")
    return folder / "csc.h5ad"


def write_dense(folder: Path, matrix: sparse.csr_matrix, cells: Sequence[str], genes: Sequence[str]) -> Path:
    """.h5ad with a dense X."""
    adata = as_anndata(matrix, cells, genes)
    adata.X = matrix.toarray().astype(np.float32)
    adata.write_h5ad(folder / "dense.h5ad")
    return folder / "dense.h5ad"


def write_zarr(folder: Path, matrix: sparse.csr_matrix, cells: Sequence[str], genes: Sequence[str]) -> Path:
    """.zarr of AnnData, in Zarr's format 2."""
    return _write_store(folder / "store.zarr", as_anndata(matrix, cells, genes), 2)


def write_zarr3(folder: Path, matrix: sparse.csr_matrix, cells: Sequence[str], genes: Sequence[str]) -> Path:
    """.zarr of AnnData, in Zarr's format 3."""
    return _write_store(folder / "store3.zarr", as_anndata(matrix, cells, genes), 3)


def _write_store(path: Path, adata: ad.AnnData, version: int) -> Path:
    with ad.settings.override(zarr_write_format=version), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        adata.write_zarr(path)
    return path


def write_tenx_h5(folder: Path, matrix: sparse.csr_matrix, cells: Sequence[str], genes: Sequence[str]) -> Path:
    """.h5 of Cell Ranger 3."""
    with h5py.File(folder / "tenx.h5", "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array([name.encode() for name in cells], dtype="S")
        group["data"], group["indices"] = matrix.data.astype(np.int32), matrix.indices.astype(np.int64)
        group["indptr"], group["shape"] = matrix.indptr.astype(np.int64), np.array(matrix.shape[::-1], np.int32)
        names = np.array([name.encode() for name in genes], dtype="S")
        features = group.create_group("features")
        features["id"], features["name"] = names, names
        features["feature_type"] = np.array([b"Gene Expression"] * len(genes), dtype="S")
    return folder / "tenx.h5"


def write_mtx(folder: Path, matrix: sparse.csr_matrix, cells: Sequence[str], genes: Sequence[str]) -> Path:
    """10x matrix folder."""
    place = folder / "mtx"
    place.mkdir()
    mmwrite(place / "matrix.mtx", sparse.coo_matrix(matrix.T.astype(np.int32)), field="integer", symmetry="general")
    (place / "barcodes.tsv").write_text("".join(f"{name}\n" for name in cells))
    (place / "features.tsv").write_text("".join(f"{name}\t{name}\tGene Expression\n" for name in genes))
    return place


FORMS: dict[str, Writer] = {
    "csr": write_csr,
    "csc": write_csc,
    "dense": write_dense,
    "zarr2": write_zarr,
    "zarr3": write_zarr3,
    "tenx": write_tenx_h5,
    "mtx": write_mtx,
}
"""Writers of each form; each returns the path that a sample sheet names."""
