"""Files of a sample (.h5ad, .zarr, 10x .h5, 10x folder), each opened by its form."""

from __future__ import annotations

from pathlib import Path

import h5py

from ...core.errors import InputError, reading
from ..stored_elements import has, member, members, open_store
from .anndata_file import open_anndata
from .container import Container
from .tenx_folder import open_folder
from .tenx_h5 import open_tenx


def open_container(path: Path, *, counts: str, genes: str) -> Container:
    """Open `path` by its form; `counts` and `genes` as in `open_counts`."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder. Correct the path.")
    with reading(path):
        if path.is_dir() and path.name.rstrip("/").endswith(".zarr"):
            return open_anndata(open_store(path), path, counts, genes)
        if path.is_dir():
            _only_defaults(path, counts, genes)
            return open_folder(path)
        return _hdf5(path, counts, genes)


def _hdf5(path: Path, counts: str, genes: str) -> Container:
    if not h5py.is_hdf5(path):
        raise InputError(
            f"{path}: this is not HDF5, nor a folder. Give .h5ad, a 10x .h5, a 10x matrix folder or .zarr."
        )
    file = open_store(path)
    if "obs" in file:
        return open_anndata(file, path, counts, genes)
    _only_defaults(path, counts, genes)
    if "matrix" in file:
        return open_tenx(member(file, "matrix"), path)
    genomes = [name for name in members(file) if has(file, f"{name}/barcodes")]
    if len(genomes) != 1:
        found = f"the genomes {', '.join(genomes)}" if genomes else "neither AnnData nor a 10x matrix"
        raise InputError(f"{path}: it holds {found}. Give a file with one matrix of one genome.")
    return open_tenx(member(file, genomes[0]), path)


def _only_defaults(path: Path, counts: str, genes: str) -> None:
    if counts != "X" or genes != "index":
        raise InputError(f"{path}: a 10x file has one matrix and its own gene names. Leave counts and genes empty.")
