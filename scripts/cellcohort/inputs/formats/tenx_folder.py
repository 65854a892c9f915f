"""10x matrix folders: matrix.mtx, barcodes.tsv and features.tsv or genes.tsv, each plain or .gz."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ...core.errors import InputError, reading
from ..backed_matrix import RearrangedRows
from ..gene_names import gene_frame
from .container import Container, container
from .matrix_market import market_entries, market_header, open_text


def open_folder(folder: Path) -> Container:
    """A 10x folder: matrix.mtx, barcodes.tsv and features.tsv or genes.tsv, each plain or .gz."""
    matrix = _one_of(folder, "matrix.mtx")
    features = _tsv_columns(_one_of(folder, "features.tsv", "genes.tsv"))
    barcodes = _tsv_columns(_one_of(folder, "barcodes.tsv"))[0]
    symbols = features[1] if len(features) > 1 else features[0]
    n_skip, (n_genes, n_cells, n_entries) = market_header(matrix)
    if (n_genes, n_cells) != (symbols.size, barcodes.size):
        raise InputError(
            f"{matrix}: it is {n_genes} x {n_cells} for {symbols.size} features and {barcodes.size} barcodes. "
            "Give the three files of one run."
        )
    rows = RearrangedRows(partial(market_entries, matrix, n_skip, n_entries), (n_cells, n_genes), n_entries)
    frame = gene_frame(symbols, index=symbols, ids=features[0])
    return container(rows, frame, features[2] if len(features) > 2 else None, lambda: barcodes)


def _one_of(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    raise InputError(
        f"{folder}: {' or '.join(names)} (or .gz) is missing. A 10x matrix folder holds matrix.mtx, barcodes.tsv and "
        "features.tsv (or genes.tsv)."
    )


def _tsv_columns(path: Path) -> list[np.ndarray]:
    """The columns that all lines of a headless table have."""
    with reading(path), open_text(path) as file:
        lines = [line.rstrip("\r\n").split("\t") for line in file]
    columns = list(zip(*lines, strict=False)) or [()]
    return [np.array(column, dtype=object) for column in columns]
