"""Columns of AnnData tables (obs, var) as text, whatever they are stored as, each checked for what it must be."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from ...core.errors import DamagedFileError
from .stored_chunks import check_whole
from .stored_elements import (
    array,
    attribute,
    dtype,
    has,
    has_attribute,
    is_group,
    is_text,
    length,
    member,
    members,
    text_attribute,
    texts,
)

_ENCODINGS = ("", "array", "string-array", "categorical")


def text_column(table: Any, name: str, rows: slice = slice(None)) -> np.ndarray:
    """Some rows of a column of an AnnData table (obs, var) as objects (n,): str, or None where missing.

    Plain, categorical (also of anndata before 0.8) and nullable columns are read alike. Of a categorical, only the
    categories of these rows are read, because a cohort has many.
    """
    if not is_group(table):
        raise DamagedFileError("its tables were written by anndata before 0.7")
    column = member(table, name)
    _check_length(table, column, name)
    if not is_group(column):
        if has_attribute(column, "categories"):
            return _categorical(column, _old_categories(table, column), name, rows)
        _check_texts(column, name, nothing=is_text(column) and name != index_name(table))
        return texts(column, rows)
    if "categories" in members(column):
        return _categorical(member(column, "codes"), member(column, "categories"), name, rows)
    return _nullable(member(column, "values"), member(column, "mask"), name, rows)


def _nullable(stored: Any, mask: Any, name: str, rows: slice) -> np.ndarray:
    if length(mask) != length(stored):
        raise DamagedFileError(f"column {name!r}: {length(mask)} marks of missing values for {length(stored)} values")
    missing = array(mask, rows).astype(bool)
    if missing.all():  # values of nothing are empty, which Zarr does not write
        return np.full(missing.size, None, object)
    _check_texts(stored, name)
    values = texts(stored, rows)
    values[missing] = None
    return values


def index_name(table: Any) -> str:
    """The name of the column that is the index of an AnnData table."""
    name = text_attribute(table, "_index")
    if not name or not has(table, name):
        raise DamagedFileError(f"the table {table.name} has no index: its attribute _index says {name!r}")
    return name


def n_rows(table: Any) -> int:
    """The number of rows of an AnnData table, by its index."""
    name = index_name(table)
    return _length(member(table, name), name)


def _check_length(table: Any, column: Any, name: str) -> None:
    n_values, n_names = _length(column, name), n_rows(table)
    if n_values != n_names:
        raise DamagedFileError(f"column {name!r} of {table.name} has {n_values} values for {n_names} rows")


def _length(column: Any, name: str) -> int:
    encoding, parts = text_attribute(column, "encoding-type"), members(column)
    known = encoding in _ENCODINGS or encoding.startswith("nullable-")
    if is_group(column):
        known = known and ("categories" in parts or "mask" in parts)
        column = member(column, "codes" if "categories" in parts else "values") if known else column
    if not known:
        raise DamagedFileError(f"column {name!r} is stored as {encoding or 'a group'!r}, which is not known here")
    return length(column)


def _check_texts(values: Any, name: str, *, nothing: bool = False) -> None:
    """Raise DamagedFileError unless `values` is a whole list of texts, numbers or truth values."""
    if length(values) and not is_text(values) and dtype(values).kind not in "biuf":
        raise DamagedFileError(f"column {name!r} holds {dtype(values)}, neither text nor numbers")
    check_whole(values, f"column {name!r}", nothing=nothing)


def _categorical(codes: Any, categories: Any, name: str, rows: slice) -> np.ndarray:
    if is_group(categories):  # a nullable array, in which no category is missing
        categories = member(categories, "values")
    n_categories = length(categories)
    if n_categories > 1:  # codes of one category are zeros alone, which Zarr does not write
        check_whole(codes, f"column {name!r}")
        _check_texts(categories, name)
    used, places = np.unique(array(codes, rows), return_inverse=True)
    if used.dtype.kind not in "iu" or (used.size and not -1 <= used[0] <= used[-1] < n_categories):
        raise DamagedFileError(f"column {name!r}: codes from {used[0]} to {used[-1]} for {n_categories} categories")
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
