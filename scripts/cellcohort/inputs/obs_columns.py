"""A look at the obs table of an AnnData file without anndata: which columns there are, and which values one takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from ..core.errors import InputError, reading


def _strings(group: Any, name: str) -> np.ndarray:
    """A column of an AnnData table as an array of str; missing values are empty."""
    column = group[name]
    if hasattr(column, "dtype"):
        return _decode(column)
    if "categories" in column:
        categories = _strings(column, "categories")
        return np.append(categories, "")[np.asarray(column["codes"][:], dtype=np.int64)]
    return np.where(np.asarray(column["mask"][:]), "", _strings(column, "values")).astype(object)


def _decode(array: Any) -> np.ndarray:
    """A one-dimensional array of text or numbers as an array of str."""
    if isinstance(array, h5py.Dataset) and h5py.check_string_dtype(array.dtype):
        return array.asstr()[:]
    values = array[:]
    return np.array([value.decode() if isinstance(value, bytes) else str(value) for value in values], dtype=object)


def has_obs(path: str | Path) -> bool:
    """Whether the file is of a format that has a cell table (.h5ad or .zarr)."""
    return Path(path).suffix in (".h5ad", ".zarr")


def is_readable(path: str | Path) -> bool:
    """Whether the names of the obs columns can be read."""
    try:
        columns(path)
    except InputError:
        return False
    return True


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
    """The values that an obs column takes, stripped, missing and empty ones left out; the counts are never read."""
    with _open_obs(path) as table:
        return {value.strip() for value in _values(table[column])} - {""}


def _values(entry: Any) -> np.ndarray:
    """A column's texts that are not missing."""
    if "categories" in _members(entry):
        codes = np.unique(entry["codes"][...])
        return _texts(entry["categories"])[codes[codes >= 0]]
    if "mask" in _members(entry):
        return _texts(entry["values"])[~entry["mask"][...]]
    values = _texts(entry)
    return values[values != "nan"]


@contextmanager
def _open_obs(path: str | Path) -> Iterator[Any]:
    """The obs group of an .h5ad file or a .zarr store."""
    with reading(path), _open_store(path) as store:
        if "obs" not in store:
            raise InputError(f"{path}: has no obs table. Save it with anndata's write_h5ad or write_zarr.")
        yield store["obs"]


def _open_store(path: str | Path) -> AbstractContextManager[Any]:
    if Path(path).suffix != ".zarr":
        return h5py.File(path, "r")
    import zarr  # only where it is needed: its import is slow

    return nullcontext(zarr.open_group(str(path), mode="r"))


def _members(entry: Any) -> list[str]:
    """The names inside a group; none for an array."""
    return list(entry.keys()) if hasattr(entry, "keys") else []


def _texts(array: Any) -> np.ndarray:
    """An array's values as Python strings."""
    values = np.asarray(array[...]).ravel()
    return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values], dtype=object)


def stripped_text(values: pd.Series) -> np.ndarray:
    """The texts of an obs column (n,) without blanks around them; empty where missing."""
    return np.where(pd.isna(values), "", values.astype(str).str.strip()).astype(object)
