"""Columns of the obs table of an AnnData file, read without anndata: planning has Snakemake and h5py alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..core.errors import InputError, reading
from .stored_elements import attribute, has, member, members, open_store, text_column


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
    """The values that an obs column takes, stripped, missing and empty ones left out; the counts are never read."""
    with _open_obs(path) as table:
        values = set(text_column(table, column)) - {None, "nan"}
    return {value.strip() for value in values} - {""}


def column_names(table: Any) -> list[str]:
    """The names of the columns of an AnnData table, without its index."""
    if isinstance(table, h5py.Dataset):  # anndata before 0.7
        return list(table.dtype.names[1:])
    index = table.attrs.get("_index", "_index")
    return [name for name in members(table) if name not in (index, "__categories")]


def index(table: Any) -> np.ndarray:
    """The index of an AnnData table as an array of str."""
    return filled(text_column(table, attribute(table, "_index")))


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
