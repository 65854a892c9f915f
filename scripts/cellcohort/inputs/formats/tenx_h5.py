"""Files .h5 of Cell Ranger, version 3 and 2, opened as rows on disk."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from ...core.errors import DamagedFileError, InputError
from ..gene_names import gene_frame
from ..stores.backed_matrix import Rows, SparseRows
from ..stores.stored_elements import array, has, is_group, length, member, texts
from .container import Container, container
from .probes import SummedColumns, genes_of_probes

_PARTS = ("barcodes", "data", "indices", "indptr", "shape")


def open_tenx(group: h5py.Group, path: Path, *, notes: tuple[str, ...] = ()) -> Container:
    """A 10x matrix, version 3 (`features`) or 2 (`genes`, `gene_names`); barcodes are its compressed axis."""
    missing = [name for name in _PARTS if not has(group, name)]
    if missing:
        raise InputError(f"{path}: its matrix {group.name} has no {' and no '.join(missing)}. Copy or write it again.")
    columns = _features(group)
    n_genes, n_cells = columns["id"].size, length(member(group, "barcodes"))
    notes += _check_shape(group, n_genes, n_cells)
    matrix: Rows = SparseRows(group, (n_cells, n_genes))
    if "gene_id" in columns and "gene_name" in columns:
        target, first = genes_of_probes(columns["gene_id"], columns.get("in_use", np.ones(n_genes, dtype=bool)))
        notes += (f"the features are probes: those of a gene were summed, {(target < 0).sum()} were left out",)
        matrix = SummedColumns(matrix, target)
        columns = {name: values[first] for name, values in columns.items()}
        columns |= {"id": columns["gene_id"], "name": columns["gene_name"]}
    names = columns["name"]
    frame = gene_frame(names, index=columns["id"], ids=columns["id"], genomes=columns.get("genome"))
    return container(matrix, frame, columns.get("feature_type"), lambda: _barcodes(group, path), notes=notes)


def _features(group: h5py.Group) -> dict[str, np.ndarray]:
    """The columns of the table of features, which has an id and a name of each."""
    if has(group, "features"):
        table = member(group, "features")
        if not is_group(table):
            raise DamagedFileError(f"{table.name} is no table")
        wanted = ("id", "name", "feature_type", "genome", "gene_id", "gene_name")
        columns = {name: texts(member(table, name)) for name in wanted if has(table, name)}
        if has(table, "filtered_probes"):
            columns["in_use"] = array(member(table, "filtered_probes")).astype(bool)
    else:
        stored = (("id", "genes"), ("name", "gene_names"))
        columns = {name: texts(member(group, place)) for name, place in stored if has(group, place)}
    if not {"id", "name"} & set(columns):
        raise DamagedFileError("its features have neither ids nor names")
    for name, other in (("id", "name"), ("name", "id")):
        if name not in columns:
            columns[name] = columns[other]
    if len({values.shape for values in columns.values()}) > 1:
        sizes = ", ".join(f"{name} {values.size}" for name, values in columns.items())
        raise DamagedFileError(f"the columns of its features have different lengths: {sizes}")
    return columns


def _check_shape(group: h5py.Group, n_genes: int, n_cells: int) -> tuple[str, ...]:
    """A note where the file's shape names other cells than its barcodes; that the entries fit them is seen on reading.

    Raises
    ------
    DamagedFileError
        When the shape names other features than the table of features has.
    """
    shape = np.ravel(array(member(group, "shape"))).tolist()
    if len(shape) != 2 or shape[0] != n_genes:
        raise DamagedFileError(f"its shape is {shape} for {n_genes} features and {n_cells} barcodes")
    if shape[1] == n_cells:
        return ()
    return (f"the file's shape says {shape[1]} cells, its barcodes are of {n_cells}: these were read",)


def _barcodes(group: h5py.Group, path: Path) -> np.ndarray:
    barcodes = texts(member(group, "barcodes"))
    if (barcodes == "").any():
        raise InputError(f"{path}: a barcode is empty. Write the file again.")
    return barcodes
