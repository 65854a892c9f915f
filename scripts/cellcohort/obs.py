"""A look at the obs table of an AnnData file without anndata: which columns there are, and which values one takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .errors import InputError


def has_obs(path: str | Path) -> bool:
    """Whether the file is of a format that has a cell table (.h5ad or .zarr)."""
    return Path(path).suffix in (".h5ad", ".zarr")


def columns(path: str | Path) -> list[str]:
    """The names of the obs columns; none for a format without a cell table."""
    if not has_obs(path):
        return []
    with _open_obs(path) as table:
        if isinstance(table, h5py.Dataset):
            return list(table.dtype.names[1:])
        index = table.attrs.get("_index", "_index")
        return [name for name in table if name not in (index, "__categories")]


def distinct(path: str | Path, column: str) -> set[str]:
    """The values that an obs column takes, missing ones left out; the counts are never read."""
    with _open_obs(path) as table:
        entry = table[column]
        if "categories" in _members(entry):
            codes = np.unique(entry["codes"][...])
            return set(_texts(entry["categories"])[codes[codes >= 0]])
        if "mask" in _members(entry):
            return set(_texts(entry["values"])[~entry["mask"][...]])
        return set(_texts(entry)) - {"", "nan"}


@contextmanager
def _open_obs(path: str | Path) -> Iterator[Any]:
    """The obs group of an .h5ad file or a .zarr store."""
    if Path(path).suffix == ".zarr":
        import zarr  # only where it is needed: its import is slow

        yield zarr.open_group(str(path), mode="r")["obs"]
        return
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({error}). Check that the copy is complete.") from None
    with file:
        if "obs" not in file:
            raise InputError(f"{path}: has no obs table. Save it with anndata's write_h5ad.")
        yield file["obs"]


def _members(entry: Any) -> list[str]:
    """The names inside a group; none for an array."""
    return list(entry.keys()) if hasattr(entry, "keys") else []


def _texts(array: Any) -> np.ndarray:
    """An array's values as Python strings."""
    values = np.asarray(array[...]).ravel()
    return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values], dtype=object)
