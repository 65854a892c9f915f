"""File formats of a sample (.h5ad, .zarr, 10x .h5, 10x folder), opened as rows on disk, genes and cell names."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import pandas as pd

from ..core.errors import DamagedFileError, InputError, reading
from . import obs_columns
from .backed_matrix import DenseRows, RearrangedRows, Rows, SparseRows, Triplets, column_entries
from .gene_names import gene_frame
from .stored_elements import array, attribute, has, is_group, member, members, open_store, text_column, texts

_SYMBOL_COLUMNS = ("feature_name", "gene_symbols", "gene_symbol", "gene_name", "gene_names", "symbol", "hgnc_symbol")
_ID_COLUMNS = ("gene_ids", "gene_id", "ensembl_id", "ensembl_ids", "ensembl", "feature_id", "ensembl_gene_id")
_TYPE_COLUMNS = ("feature_types", "feature_type")
_EXPRESSION = "Gene Expression"


@dataclass(frozen=True)
class Container:
    """An opened file.

    Attributes
    ----------
    keep
        Marks the columns of `matrix` that are genes and not antibodies or other features.
    obs, spatial
        The stored table of cells and their coordinates; None where the file has none.
    """

    matrix: Rows
    genes: pd.DataFrame
    keep: np.ndarray
    cell_ids: Callable[[], np.ndarray]
    obs: Any = None
    spatial: Any = None


def open_container(path: Path, *, counts: str, genes: str) -> Container:
    """Open `path` by its form; `counts` and `genes` as in `open_counts`."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder. Correct the path.")
    with reading(path):
        if path.is_dir() and path.name.rstrip("/").endswith(".zarr"):
            return _anndata(open_store(path), path, counts, genes)
        if path.is_dir():
            _only_defaults(path, counts, genes)
            return _matrix_folder(path)
        return _hdf5(path, counts, genes)


def _hdf5(path: Path, counts: str, genes: str) -> Container:
    if not h5py.is_hdf5(path):
        raise InputError(
            f"{path}: this is not HDF5, nor a folder. Give .h5ad, a 10x .h5, a 10x matrix folder or .zarr."
        )
    file = open_store(path)
    if "obs" in file:
        return _anndata(file, path, counts, genes)
    _only_defaults(path, counts, genes)
    if "matrix" in file:
        return _tenx_h5(member(file, "matrix"), path)
    genomes = [name for name in members(file) if has(file, f"{name}/barcodes")]
    if len(genomes) != 1:
        found = f"the genomes {', '.join(genomes)}" if genomes else "neither AnnData nor a 10x matrix"
        raise InputError(f"{path}: it holds {found}. Give a file with one matrix of one genome.")
    return _tenx_h5(member(file, genomes[0]), path)


def _only_defaults(path: Path, counts: str, genes: str) -> None:
    if counts != "X" or genes != "index":
        raise InputError(f"{path}: a 10x file has one matrix and its own gene names. Leave counts and genes empty.")


def _anndata(store: Any, path: Path, counts: str, genes: str) -> Container:
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
    return _container(matrix, frame, types, lambda: obs_columns.index(obs), obs, spatial)


def _container(
    matrix: Rows, frame: pd.DataFrame, types: Any, cell_ids: Callable, obs: Any = None, spatial: Any = None
) -> Container:
    keep = np.ones(len(frame), dtype=bool)
    if types is not None and (types == _EXPRESSION).any():
        keep = types == _EXPRESSION
    return Container(matrix, frame[keep].reset_index(drop=True), keep, cell_ids, obs, spatial)


def _anndata_matrix(element: Any) -> Rows:
    encoding = element.attrs.get("encoding-type", "array")
    if encoding not in ("csr_matrix", "csc_matrix"):
        return DenseRows(element)
    n_cells, n_genes = (int(size) for size in attribute(element, "shape"))
    if encoding == "csr_matrix":
        return SparseRows(element, (n_cells, n_genes))
    return RearrangedRows(partial(column_entries, element), (n_cells, n_genes), member(element, "data").shape[0])


def _tenx_h5(group: h5py.Group, path: Path) -> Container:
    """A 10x matrix, version 3 (`features`) or 2 (`genes`, `gene_names`); barcodes are its compressed axis."""
    features = member(group, "features") if "features" in group else group
    ids = texts(member(features, "id" if "id" in features else "genes"))
    symbols = texts(member(features, "name" if "name" in features else "gene_names"))
    types = texts(member(features, "feature_type")) if "feature_type" in features else None
    n_genes, n_cells = (int(size) for size in array(member(group, "shape")))
    if n_genes != ids.size:
        raise InputError(f"{path}: the matrix has {n_genes} features and {ids.size} names. Write it again.")
    frame = gene_frame(symbols, index=symbols, ids=ids)
    return _container(SparseRows(group, (n_cells, n_genes)), frame, types, lambda: texts(member(group, "barcodes")))


def _matrix_folder(folder: Path) -> Container:
    """A 10x folder: matrix.mtx, barcodes.tsv and features.tsv or genes.tsv, each plain or .gz."""
    matrix = _one_of(folder, "matrix.mtx")
    features = _tsv_columns(_one_of(folder, "features.tsv", "genes.tsv"))
    barcodes = _tsv_columns(_one_of(folder, "barcodes.tsv"))[0]
    symbols = features[1] if len(features) > 1 else features[0]
    n_skip, (n_genes, n_cells, n_entries) = _market_header(matrix)
    if (n_genes, n_cells) != (symbols.size, barcodes.size):
        raise InputError(
            f"{matrix}: it is {n_genes} x {n_cells} for {symbols.size} features and {barcodes.size} barcodes. "
            "Give the three files of one run."
        )
    rows = RearrangedRows(partial(_market_entries, matrix, n_skip, n_entries), (n_cells, n_genes), n_entries)
    frame = gene_frame(symbols, index=symbols, ids=features[0])
    return _container(rows, frame, features[2] if len(features) > 2 else None, lambda: barcodes)


def _one_of(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    raise InputError(
        f"{folder}: {' or '.join(names)} (or .gz) is missing. A 10x matrix folder holds matrix.mtx, barcodes.tsv and "
        "features.tsv (or genes.tsv)."
    )


def _text(path: Path) -> IO[str]:
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


def _tsv_columns(path: Path) -> list[np.ndarray]:
    """The columns that all lines of a headless table have."""
    with reading(path), _text(path) as file:
        lines = [line.rstrip("\r\n").split("\t") for line in file]
    columns = list(zip(*lines, strict=False)) or [()]
    return [np.array(column, dtype=object) for column in columns]


def _market_header(path: Path) -> tuple[int, tuple[int, int, int]]:
    """Lines before the entries of a MatrixMarket file, and its (rows, columns, entries)."""
    with reading(path), _text(path) as file:
        first = file.readline().split()
        if first[:3] != ["%%MatrixMarket", "matrix", "coordinate"] or first[3:] not in (
            ["integer", "general"],
            ["real", "general"],
        ):
            raise InputError(f"{path}: it is not a general coordinate MatrixMarket file. Write it again.")
        for number, line in enumerate(file, start=2):
            if not line.startswith("%"):
                return number, _sizes(line)
    raise InputError(f"{path}: it has no line of sizes. The file is cut off; copy it again.")


def _sizes(line: str) -> tuple[int, int, int]:
    """Rows, columns and entries, as the line of sizes says."""
    sizes = line.split()
    if len(sizes) != 3 or not all(size.isdecimal() for size in sizes):
        raise DamagedFileError(f"the line of sizes is {line.strip()!r}")
    n_genes, n_cells, n_entries = map(int, sizes)
    return n_genes, n_cells, n_entries


def _market_entries(path: Path, n_skip: int, n_entries: int) -> Iterator[Triplets]:
    """The entries of a genes x cells MatrixMarket file as (cell, gene, value), block by block."""
    from pyarrow import csv

    types = {"gene": "int32", "cell": "int32", "value": "float32"}
    n_read = 0
    if n_entries:
        read = csv.ReadOptions(column_names=list(types), skip_rows=n_skip, block_size=16_000_000)
        convert = csv.ConvertOptions(column_types=types)
        for batch in _batches(lambda: csv.open_csv(path, read, csv.ParseOptions(delimiter=" "), convert)):
            gene, cell, value = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            n_read += batch.num_rows
            yield cell - 1, gene - 1, value
    if n_read != n_entries:
        raise InputError(f"{path}: {n_read} entries instead of {n_entries}. The file is cut off; copy it again.")


def _batches(open_reader: Callable[[], Any]) -> Iterator[Any]:
    """The batches of a reader of Arrow, whose errors are of the file's text."""
    import pyarrow as pa

    try:
        yield from open_reader()
    except pa.ArrowException as error:
        raise DamagedFileError(str(error)) from error


def _gene_column(var: Any, name: str, path: Path) -> np.ndarray:
    columns = obs_columns.column_names(var)
    if name not in columns:
        named = ", ".join(sorted(columns)) or "none"
        raise InputError(f"{path}: genes {name!r} is not a column of var. Choose index or one of: {named}.")
    return obs_columns.filled(text_column(var, name))


def _first(group: Any, names: tuple[str, ...]) -> np.ndarray | None:
    """The first of the columns that the group has."""
    return next((obs_columns.filled(text_column(group, name)) for name in names if name in group), None)
