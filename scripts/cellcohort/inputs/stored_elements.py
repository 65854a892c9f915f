"""Read members, attributes, arrays and text columns of HDF5 and Zarr groups; what cannot be read is a DamagedFileError.

The libraries raise KeyError, ValueError and RuntimeError for damaged files. They are caught here, around the library's
own call alone, so that no mistake of ours is taken for one of the file (design law 9).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..core.errors import DamagedFileError

_DAMAGE = (OSError, EOFError, KeyError, RuntimeError, TypeError, ValueError)


@contextmanager
def _library_call() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DamagedFileError(f"{type(error).__name__}: {error}") from error


def open_store(path: str | Path) -> Any:
    """The root group of an HDF5 file or a .zarr store, read-only."""
    with _library_call():
        if Path(path).suffix != ".zarr":
            return h5py.File(path, "r", locking=False, rdcc_nbytes=64 * 2**20)
        import zarr  # only where it is needed: its import is slow

        return zarr.open_group(str(path), mode="r")


def has(group: Any, place: str) -> bool:
    """Whether a path of names exists below a group."""
    for name in place.split("/"):
        if not is_group(group) or name not in group:
            return False
        group = member(group, name)
    return True


def is_group(element: Any) -> bool:
    """Whether an element has members (an array has none)."""
    return hasattr(element, "keys")


def members(group: Any) -> list[str]:
    """The names in a group; none for an array."""
    with _library_call():
        return list(group.keys()) if is_group(group) else []


def member(group: Any, place: str) -> Any:
    """The group or array at a path of names below a group."""
    with _library_call():
        return group[place]


def attribute(element: Any, name: str) -> Any:
    """An attribute."""
    with _library_call():
        return element.attrs[name]


def array(element: Any, rows: slice = slice(None)) -> np.ndarray:
    """Some rows of an array, as stored."""
    with _library_call():
        return np.asarray(element[rows])


def anndata_element(element: Any) -> Any:
    """An element as anndata reads it, at once."""
    from anndata.io import read_elem  # slow to import, too

    with _library_call():
        return read_elem(element)


def texts(element: Any, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
    """Some values of an array of text or numbers as objects (n,): str, or None for NaN."""
    with _library_call():
        if isinstance(element, h5py.Dataset) and h5py.check_string_dtype(element.dtype):
            return element.asstr()[rows]
        values = np.asarray(element[rows]).ravel()
    found = np.array([value.decode() if isinstance(value, bytes) else str(value) for value in values], dtype=object)
    if values.dtype.kind == "f":
        found[np.isnan(values)] = None
    return found


def text_column(table: Any, name: str, rows: slice = slice(None)) -> np.ndarray:
    """Some rows of a column of an AnnData table (obs, var) as objects (n,): str, or None where missing.

    Plain, categorical (also of anndata before 0.8) and nullable columns are read alike. Of a categorical, only the
    categories of these rows are read, because a cohort has many.
    """
    column = member(table, name)
    if not is_group(column):
        if "categories" in column.attrs:
            return _categorical(array(column, rows), _old_categories(table, column))
        return texts(column, rows)
    if "categories" in members(column):
        return _categorical(array(member(column, "codes"), rows), member(column, "categories"))
    values = texts(member(column, "values"), rows)
    values[array(member(column, "mask"), rows)] = None
    return values


def _categorical(codes: np.ndarray, categories: Any) -> np.ndarray:
    if is_group(categories):  # a nullable array, in which no category is missing
        categories = member(categories, "values")
    used, places = np.unique(codes, return_inverse=True)
    values = np.full(len(used), None, object)
    known = used >= 0
    if known.any():  # the categories of nothing are no text
        first, last = used[known][[0, -1]]
        values[known] = texts(categories, slice(int(first), int(last) + 1))[used[known] - first]
    return values[places]


def _old_categories(table: Any, column: Any) -> Any:
    """The categories that an array of codes refers to: an HDF5 reference, in Zarr a path."""
    place = attribute(column, "categories")
    return member(table.file if isinstance(table, h5py.Group) else table, place)
