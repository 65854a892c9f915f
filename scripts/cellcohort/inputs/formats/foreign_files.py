"""What a file is that is no sample, in words, and what to do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..stores.stored_elements import is_group, member, members

_STARTS = [
    (b"\x1f\x8b", "It is compressed by gzip; unpack it"),
    (b"BZh", "It is compressed by bzip2; unpack it"),
    (b"\xfd7zXZ", "It is compressed by xz; unpack it"),
    (b"PK\x03\x04", "It is a zip archive (or a spreadsheet); unpack it"),
    (b"version https://git-lfs", "It is a pointer of Git LFS; get its content with git lfs pull"),
    (b"%%MatrixMarket", "It is matrix.mtx; give its folder, which holds barcodes.tsv and features.tsv, too"),
    (b"<", "It is a web page; the download failed"),
    (b"RDX", "It is data of R; convert it to .h5ad"),
]
_MEMBERS = [
    ({"row_attrs", "col_attrs"}, "a loom file. Read it with anndata.io.read_loom and write it as .h5ad"),
    ({"assays", "cell.names"}, "a Seurat file (.h5Seurat). Convert it to .h5ad in R (SeuratDisk or anndataR)"),
    (
        {"barcode_idx", "feature_idx"},
        "molecule_info of Cell Ranger. Give filtered_feature_bc_matrix.h5 of the same run",
    ),
    ({"barcode", "umi", "reads"}, "molecule_info of Cell Ranger. Give filtered_gene_bc_matrices_h5.h5 of the same run"),
]


def not_hdf5(path: Path) -> str:
    """What a file that is not HDF5 is instead, and the remedy."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "It is empty (0 bytes); copy it again"
    return next((text for first, text in _STARTS if start.lstrip().startswith(first)), "")


def foreign_store(store: Any) -> str:
    """What an HDF5 or Zarr store of another program is, and the remedy; empty where it may be a sample."""
    names = set(members(store))
    if "mod" in names and is_group(member(store, "mod")):
        modalities = ", ".join(members(member(store, "mod"))) or "no modality"
        return (
            f"a MuData file with {modalities}. Write the modality of RNA alone as .h5ad (mudata.read(FILE).mod[NAME])"
        )
    if "obs" not in names and ({"tables", "table"} & names) and ({"images", "labels", "points", "shapes"} & names):
        return "a SpatialData store. Write the table of cells alone as .h5ad (spatialdata.read_zarr(FILE).tables[NAME])"
    return next((text for parts, text in _MEMBERS if parts <= names), "")


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a Zarr store, whatever its name."""
    return any((folder / name).exists() for name in (".zgroup", "zarr.json"))
