"""AnnData files (.h5ad and .zarr), opened as rows on disk without anndata."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import DamagedFileError, InputError
from .. import obs_columns
from ..gene_names import gene_frame
from ..stores.backed_matrix import DenseRows, RearrangedRows, Rows, SparseRows, column_entries
from ..stores.stored_elements import attribute, has, has_attribute, is_group, length, member
from ..stores.text_columns import n_rows, text_column
from .anndata_matrices import looks_like_counts, not_a_matrix, readable_matrices, sparse_format, table_of
from .container import Container, container

_SYMBOL_COLUMNS = ("feature_name", "gene_symbols", "gene_symbol", "gene_name", "gene_names", "symbol", "hgnc_symbol")
_ID_COLUMNS = ("gene_ids", "gene_id", "ensembl_id", "ensembl_ids", "ensembl", "feature_id", "ensembl_gene_id")
_TYPE_COLUMNS = ("feature_types", "feature_type", "modality")


def open_anndata(store: Any, path: Path, counts: str, genes: str) -> Container:
    """Open an AnnData store; `counts` and `genes` as in `open_counts`."""
    obs = member(store, "obs")
    if not is_group(obs):
        raise InputError(f"{path}: it was written by anndata before 0.7. Read it and write it with a current anndata.")
    matrix_key, var_key = table_of(counts)
    problem = not_a_matrix(store, matrix_key)
    if problem:
        raise InputError(f"{path}: counts {counts!r} {problem}. {_other_matrices(store)}")
    var = member(store, var_key)
    index = obs_columns.index(var)
    names = index if genes == "index" else _gene_column(var, genes, path)
    frame = gene_frame(names, index=index, symbols=_first(var, _SYMBOL_COLUMNS), ids=_first(var, _ID_COLUMNS))
    matrix = _anndata_matrix(member(store, matrix_key))
    for axis, (size, what) in enumerate(((n_rows(obs), "cells (obs)"), (len(frame), f"genes ({var_key})"))):
        if matrix.shape[axis] != size:
            found = f"{matrix_key} has {matrix.shape[axis]} {('rows', 'columns')[axis]} for {size} {what}"
            raise InputError(f"{path}: {found}. Repair the file.")
    spatial = member(store, "obsm/spatial") if has(store, "obsm/spatial") else None
    file = container(matrix, frame, _first(var, _TYPE_COLUMNS), lambda: obs_columns.index(obs), obs, spatial)
    return replace(file, other_counts=lambda: _other_counts(store, counts))


def _other_counts(store: Any, counts: str) -> list[str]:
    others = [name for name in readable_matrices(store) if name != counts]
    return [name for name in others if looks_like_counts(store, name)]


def _anndata_matrix(element: Any) -> Rows:
    stored = sparse_format(element)
    if not stored:
        return DenseRows(element)
    sizes = np.ravel(attribute(element, "shape" if has_attribute(element, "shape") else "h5sparse_shape"))
    if sizes.size != 2 or sizes.dtype.kind not in "iu" or sizes.min() < 0:
        raise DamagedFileError(f"the shape of the matrix is said to be {sizes.tolist()}")
    shape = (int(sizes[0]), int(sizes[1]))
    if stored == "csr":
        return SparseRows(element, shape)
    return RearrangedRows(partial(column_entries, element, shape), shape, length(member(element, "data")))


def _other_matrices(store: Any) -> str:
    """The remedy where `counts` names no matrix."""
    present = readable_matrices(store)
    return f"Choose one of {', '.join(present)}." if present else "The file has no matrix of numbers. Write it again."


def _gene_column(var: Any, name: str, path: Path) -> np.ndarray:
    columns = obs_columns.column_names(var)
    if name not in columns:
        named = ", ".join(sorted(columns)) or "none"
        raise InputError(f"{path}: genes {name!r} is not a column of var. Choose index or one of: {named}.")
    return obs_columns.filled(text_column(var, name))


def _first(group: Any, names: tuple[str, ...]) -> np.ndarray | None:
    """The first of the columns that the group has."""
    return next((obs_columns.filled(text_column(group, name)) for name in names if has(group, name)), None)
