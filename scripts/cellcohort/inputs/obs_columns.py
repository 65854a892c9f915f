"""Columns of the obs table of an AnnData file, read without anndata: planning has Snakemake and h5py alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..core.errors import DamagedFileError, InputError, reading
from .placeholder_labels import names_no_type
from .stores.stored_elements import (
    dtype,
    has,
    has_attribute,
    is_group,
    member,
    members,
    open_store,
    text_attribute,
    text_attributes,
)
from .stores.text_columns import index_name, text_column


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
        return column_names(table)


def distinct(path: str | Path, column: str) -> set[str]:
    """The labels that an obs column takes, stripped, without those that name no type; the counts are never read."""
    return types_among(labels(path, column))


def types_among(found: Iterable[str], exclude: Collection[str] = ()) -> set[str]:
    """The labels that name a type and are not left out."""
    return {label for label in set(found) if label not in exclude and not names_no_type(label)}


def labels(path: str | Path, column: str) -> np.ndarray:
    """An obs column as text (n_cells,), stripped, empty where missing."""
    with _open_obs(path) as table:
        return stripped(text_column(table, column))


def distinct_pairs(path: str | Path, column: str, other: str) -> set[tuple[str, str]]:
    """The pairs of values that the cells have in two obs columns, stripped, empty where missing."""
    with _open_obs(path) as table:
        values, others = text_column(table, column), text_column(table, other)
    if len(values) != len(others):
        raise InputError(f"{path}: obs columns {column} and {other} differ in length. Write the file again.")
    pairs = {(one or "", two or "") for one, two in set(zip(values, others, strict=True))}
    return {("" if names_no_type(one) else one.strip(), two.strip()) for one, two in pairs}


def column_names(table: Any) -> list[str]:
    """The names of the columns of an AnnData table, without its index.

    A name with a slash is a path of groups, which the list of columns tells from a column.
    """
    if not is_group(table):  # anndata before 0.7
        names = dtype(table).names
        if not names:
            raise DamagedFileError(f"{table.name} is no table of columns")
        return list(names[1:])
    present = set(members(table))
    listed = [name for name in text_attributes(table, "column-order") if name in present or has(table, name)]
    others = present - {*listed, text_attribute(table, "_index") or "_index", "__categories"}
    return listed + sorted(name for name in others if _is_column(member(table, name)))


def _is_column(element: Any) -> bool:
    return not is_group(element) or has_attribute(element, "encoding-type") or "categories" in members(element)


def index(table: Any) -> np.ndarray:
    """The index of an AnnData table as an array of str."""
    return filled(text_column(table, index_name(table)))


def filled(texts: np.ndarray) -> np.ndarray:
    """`texts` with empty text where they are missing."""
    return np.where(texts == None, "", texts).astype(object)  # noqa: E711 (elementwise)


def stripped(texts: np.ndarray) -> np.ndarray:
    """`texts` without blanks around them, empty where missing."""
    return np.array([text.strip() if text else "" for text in texts], dtype=object)


@contextmanager
def _open_obs(path: str | Path) -> Iterator[Any]:
    """The obs group of an .h5ad file or a .zarr store."""
    with reading(path):
        store = open_store(path)
        try:
            if not has(store, "obs"):
                raise InputError(f"{path}: has no obs table. Save it with anndata's write_h5ad or write_zarr.")
            yield member(store, "obs")
        finally:
            if isinstance(store, h5py.File):
                store.close()
