"""10x matrix folders: matrix.mtx, barcodes.tsv and features.tsv or genes.tsv, each plain or .gz."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ...core.errors import InputError
from ..gene_names import ensembl_ids, gene_frame
from ..stores.backed_matrix import RearrangedRows
from .container import Container, container
from .matrix_market import Market, market_entries, open_market
from .tenx_names import BARCODES, FEATURES, GENES, MATRIX, file_sets, is_complete
from .tenx_tables import Table, read_table

_NO_TYPE = re.compile(r"(chr)?(\d+|[XYM]|MT)|[KG][LI]\d+(\.\d+)?|-?\d+|", re.IGNORECASE)
"""Chromosomes and positions, which some write where the features' type belongs."""


def open_folder(folder: Path) -> Container:
    """A 10x folder: matrix.mtx, barcodes.tsv and features.tsv or genes.tsv, each plain or .gz."""
    files = _one_set(folder)
    market = open_market(files[MATRIX])
    tables = [read_table(files[name]) for name in (FEATURES, GENES) if name in files]
    features, cells, cells_in_rows = _fitting(market, tables, read_table(files[BARCODES]))
    if (cells == "").any():
        raise InputError(f"{files[BARCODES]}: a barcode is empty. Write the file again.")
    shape = (cells.size, features[0].size)
    entries = partial(market_entries, market, cells_in_rows=cells_in_rows)
    ids, symbols, types = _roles(features)
    frame = gene_frame(symbols, index=ids, ids=ids)
    notes = (f"the rows of {market.path.name} are cells and its columns genes",) if cells_in_rows else ()
    return container(RearrangedRows(entries, shape, market.n_entries), frame, types, lambda: cells, notes=notes)


def _one_set(folder: Path) -> dict[str, Path]:
    sets = file_sets(folder)
    prefixes = [prefix for prefix in sets if prefix]
    if len(prefixes) > 1:
        raise InputError(
            f"{folder}: it holds the files of several matrices ({', '.join(prefixes[:5])}). Put each into a folder of "
            "its own, and give each folder as a sample."
        )
    files = next(iter(sets.values()), {})
    if is_complete(files):
        return files
    wanted = {name: name in files for name in (MATRIX, BARCODES, FEATURES)}
    wanted[FEATURES] |= GENES in files
    missing = " and ".join(f"{name} or genes.tsv" if name == FEATURES else name for name in wanted if not wanted[name])
    names = sorted(os.listdir(folder))
    raise InputError(
        f"{folder}: {missing} (or .gz) is missing. A 10x matrix folder holds matrix.mtx, barcodes.tsv and features.tsv "
        f"(or genes.tsv), alone or all with one text in front; this one holds {', '.join(names[:6]) or 'nothing'}"
        f"{', ...' if len(names) > 6 else ''}."
    )


def _fitting(market: Market, tables: list[Table], barcodes: Table) -> tuple[list[np.ndarray], np.ndarray, bool]:
    """The columns of the first table of features that fits the matrix, the cells, and whether cells are its rows."""
    sizes = (market.n_rows, market.n_columns)
    for (n_genes, n_cells), cells_in_rows in ((sizes, False), (sizes[::-1], True)):
        cells = barcodes.columns(n_cells)
        for table in tables:
            features = table.columns(n_genes)
            if features is not None and cells is not None:
                return features, cells[0], cells_in_rows
    raise InputError(
        f"{market.path}: it is {market.n_rows} x {market.n_columns} for {len(tables[0].lines)} features and "
        f"{len(barcodes.lines)} barcodes. Give the three files of one run."
        + "".join(_line_too_much(table, sizes) for table in (*tables, barcodes))
    )


def _line_too_much(table: Table, sizes: tuple[int, int]) -> str:
    if len(table.lines) - 1 not in sizes or len(table.lines) in sizes:
        return ""
    first = " ".join(table.lines[0])[:60]
    return f" {table.path.name} has one line more than the matrix; if its first ({first!r}) is a header, remove it."


def _roles(columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Ids, symbols and types of features, which is the order of Cell Ranger; one column is both id and symbol."""
    if len(columns) == 2 and len(set(columns[1])) == 1 and columns[1].size > 1:
        columns = [columns[0], columns[0], columns[1]]
    ids, symbols = columns[0], columns[min(1, len(columns) - 1)]
    if ensembl_ids(symbols).sum() > ensembl_ids(ids).sum():
        ids, symbols = symbols, ids
    symbols = np.where(symbols == "NA", "", symbols)
    types = columns[2] if len(columns) > 2 else None
    if types is not None and pd.Series(types).str.fullmatch(_NO_TYPE).mean() > 0.5:
        types = None
    return ids, symbols, types
