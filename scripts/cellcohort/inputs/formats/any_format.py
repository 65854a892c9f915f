"""Files of a sample (.h5ad, .zarr, 10x .h5, 10x folder), each opened by its form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from ...core.errors import InputError, reading
from ..stores.stored_elements import has, is_group, member, members, open_store
from .anndata_file import open_anndata
from .container import Container
from .feature_types import genes_alone
from .foreign_files import foreign_store, is_zarr, not_hdf5
from .genomes import of_species, own_genome
from .tenx_folder import open_folder
from .tenx_h5 import open_tenx


def open_container(path: Path, *, counts: str, genes: str, species: str) -> Container:
    """Open `path` by its form; `counts`, `genes` and `species` as in `open_counts`."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder. Correct the path.")
    if not (path.is_file() or path.is_dir()):  # a pipe would be waited for without end
        raise InputError(f"{path}: it is a pipe or device, not a file. Give the path of a file or folder.")
    with reading(path):
        return of_species(genes_alone(_open(path, counts, genes, species), path), species, path)


def _open(path: Path, counts: str, genes: str, species: str) -> Container:
    if path.is_dir() and path.suffix == ".zarr":
        return _store(open_store(path), path, counts, genes, species)
    if path.is_dir() and (is_zarr(path) or path.suffix == ".h5ad"):
        stored = "a Zarr store, whose name must end in .zarr" if is_zarr(path) else "a folder, not an .h5ad file"
        raise InputError(f"{path}: it is {stored}. Rename it, or give another path.")
    if path.is_dir():
        _only_defaults(path, counts, genes)
        return open_folder(path)
    if not h5py.is_hdf5(path):
        what = not_hdf5(path)
        remedy = f"{what}, or give" if what else "Give"
        raise InputError(
            f"{path}: this is not HDF5, nor a folder. {remedy} .h5ad, a 10x .h5, a 10x matrix folder or .zarr."
        )
    return _store(open_store(path), path, counts, genes, species)


def _store(store: Any, path: Path, counts: str, genes: str, species: str) -> Container:
    """The sample of an HDF5 file or a Zarr store."""
    foreign = foreign_store(store)
    if foreign:
        raise InputError(f"{path}: it is {foreign}.")
    names = members(store)
    if "obs" in names:
        return open_anndata(store, path, counts, genes)
    genomes = [name for name in names if has(store, f"{name}/barcodes")]
    if isinstance(store, h5py.File) and "matrix" in names and is_group(member(store, "matrix")):
        genomes = ["matrix"]
    genomes, notes = own_genome(genomes, species)
    if len(genomes) != 1 or not isinstance(store, h5py.File):
        found = f"the genomes {', '.join(genomes)}" if genomes else "neither AnnData nor a 10x matrix"
        inside = f" but {', '.join(names[:8])}" if names and not genomes else ""
        raise InputError(f"{path}: it holds {found}{inside}. Give a file with one matrix of one genome.")
    _only_defaults(path, counts, genes)
    return open_tenx(member(store, genomes[0]), path, notes=notes)


def _only_defaults(path: Path, counts: str, genes: str) -> None:
    if counts != "X" or genes != "index":
        raise InputError(f"{path}: a 10x file has one matrix and its own gene names. Leave counts and genes empty.")
