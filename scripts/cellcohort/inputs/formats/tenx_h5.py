"""Files .h5 of Cell Ranger, version 3 and 2, opened as rows on disk."""

from __future__ import annotations

from pathlib import Path

import h5py

from ...core.errors import InputError
from ..backed_matrix import SparseRows
from ..gene_names import gene_frame
from ..stored_elements import array, member, texts
from .container import Container, container


def open_tenx(group: h5py.Group, path: Path) -> Container:
    """A 10x matrix, version 3 (`features`) or 2 (`genes`, `gene_names`); barcodes are its compressed axis."""
    features = member(group, "features") if "features" in group else group
    ids = texts(member(features, "id" if "id" in features else "genes"))
    symbols = texts(member(features, "name" if "name" in features else "gene_names"))
    types = texts(member(features, "feature_type")) if "feature_type" in features else None
    n_genes, n_cells = (int(size) for size in array(member(group, "shape")))
    if n_genes != ids.size:
        raise InputError(f"{path}: the matrix has {n_genes} features and {ids.size} names. Write it again.")
    frame = gene_frame(symbols, index=symbols, ids=ids)
    return container(SparseRows(group, (n_cells, n_genes)), frame, types, lambda: texts(member(group, "barcodes")))
