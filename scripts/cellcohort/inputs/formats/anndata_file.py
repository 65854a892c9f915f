"""AnnData files (.h5ad and .zarr), opened as rows on disk without anndata."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import InputError
from .. import obs_columns
from ..backed_matrix import DenseRows, RearrangedRows, Rows, SparseRows, column_entries
from ..gene_names import gene_frame
from ..stored_elements import attribute, has, is_group, member, members
from ..text_columns import text_column
from .container import Container, container

_SYMBOL_COLUMNS = ("feature_name", "gene_symbols", "gene_symbol", "gene_name", "gene_names", "symbol", "hgnc_symbol")
_ID_COLUMNS = ("gene_ids", "gene_id", "ensembl_id", "ensembl_ids", "ensembl", "feature_id", "ensembl_gene_id")
_TYPE_COLUMNS = ("feature_types", "feature_type")


def open_anndata(store: Any, path: Path, counts: str, genes: str) -> Container:
    """Open an AnnData store; `counts` and `genes` as in `open_counts`."""
    places = {"X": ("X", "var"), "raw": ("raw/X", "raw/var")}
    matrix_key, var_key = places.get(counts, (counts, "var"))
    if not (counts in places or counts.startswith("layers/")) or not has(store, matrix_key):
        layers = [f"layers/{name}" for name in members(member(store, "layers"))] if has(store, "layers") else []
        present = [name for name in ("X", "raw") if has(store, places[name][0])] + sorted(layers)
        raise InputError(f"{path}: counts {counts!r} is not in the file. Choose one of {', '.join(present)}.")
    obs, var = member(store, "obs"), member(store, var_key)
    if not is_group(obs):
        raise InputError(f"{path}: it was written by anndata before 0.7. Read it and write it with a current anndata.")
    index = obs_columns.index(var)
    names = index if genes == "index" else _gene_column(var, genes, path)
    frame = gene_frame(names, index=index, symbols=_first(var, _SYMBOL_COLUMNS), ids=_first(var, _ID_COLUMNS))
    types = _first(var, _TYPE_COLUMNS)
    matrix = _anndata_matrix(member(store, matrix_key))
    if matrix.shape[1] != len(frame):
        raise InputError(f"{path}: {matrix_key} has {matrix.shape[1]} columns for {len(frame)} genes. Repair the file.")
    spatial = member(store, "obsm/spatial") if has(store, "obsm/spatial") else None
    return container(matrix, frame, types, lambda: obs_columns.index(obs), obs, spatial)


def _anndata_matrix(element: Any) -> Rows:
    encoding = element.attrs.get("encoding-type", "array")
    if encoding not in ("csr_matrix", "csc_matrix"):
        return DenseRows(element)
    n_cells, n_genes = (int(size) for size in attribute(element, "shape"))
    if encoding == "csr_matrix":
        return SparseRows(element, (n_cells, n_genes))
    return RearrangedRows(partial(column_entries, element), (n_cells, n_genes), member(element, "data").shape[0])


def _gene_column(var: Any, name: str, path: Path) -> np.ndarray:
    columns = obs_columns.column_names(var)
    if name not in columns:
        named = ", ".join(sorted(columns)) or "none"
        raise InputError(f"{path}: genes {name!r} is not a column of var. Choose index or one of: {named}.")
    return obs_columns.filled(text_column(var, name))


def _first(group: Any, names: tuple[str, ...]) -> np.ndarray | None:
    """The first of the columns that the group has."""
    return next((obs_columns.filled(text_column(group, name)) for name in names if name in group), None)
