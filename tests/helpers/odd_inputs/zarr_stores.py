"""Odd .zarr stores: chunks that are lost, and chunks that are left out because they hold zeros alone."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import zarr

from .case import GENES, Case, cells, counts_of

N = 60
ALL = (N, len(GENES), float(counts_of(N).sum()))


def content() -> ad.AnnData:
    made = cells(N)
    made.var["feature_types"] = pd.Categorical(np.where(np.arange(len(GENES)) < 30, "Gene Expression", "rna"))
    made.var["names"] = pd.Categorical(GENES[::-1])
    made.obs["batch"] = "one"
    made.obs["note"] = ""
    made.obs["marked"] = pd.array([False] * N, "boolean")
    return made


def stored(
    version: int, lost: str = "", change: Callable[[ad.AnnData], Any] = lambda made: None, **row: str
) -> Callable:
    """A store of Zarr's format 2 or 3, of which the chunks of the array `lost` are lost."""

    def make(folder: Path) -> dict[str, Any]:
        made = content()
        change(made)
        with warnings.catch_warnings(), ad.settings.override(zarr_write_format=version):
            warnings.simplefilter("ignore")
            made.write_zarr(folder / "a.zarr")
        for file in (folder / "a.zarr" / lost).rglob("*") if lost else []:
            if file.is_file() and file.name not in ("zarr.json", ".zarray", ".zattrs"):
                file.unlink()
        return {"path": "a.zarr", **row}

    return make


def dense(made: ad.AnnData) -> None:
    made.X = made.X.toarray()


def by_columns(made: ad.AnnData) -> None:
    made.X = made.X.tocsc()


def one_of_many(version: int) -> Callable[[Path], dict[str, Any]]:
    """Small chunks, of which one in the middle is lost."""

    def make(folder: Path) -> dict[str, Any]:
        row = stored(version)(folder)
        group = zarr.open_group(str(folder / "a.zarr/X"), mode="r+", zarr_format=version)
        values = group["data"][:]
        del group["data"]
        group.create_array("data", data=values, chunks=(100,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(str(folder / "a.zarr"))
        files = sorted(path for path in (folder / "a.zarr/X/data").rglob("*") if path.name in ("3", "4"))
        files[0].unlink()
        return row

    return make


def renamed(folder: Path) -> dict[str, Any]:
    stored(3)(folder)
    shutil.move(folder / "a.zarr", folder / "a.store")
    return {"path": "a.store"}


def spatialdata(folder: Path) -> dict[str, Any]:
    for name in ("images", "tables"):
        zarr.open_group(str(folder / "a.zarr"), mode="a").create_group(name)
    return {"path": "a.zarr"}


def file_named_zarr(folder: Path) -> dict[str, Any]:
    (folder / "a.zarr").write_bytes(b"PK\x03\x04" + bytes(60))
    return {"path": "a.zarr"}


LOST = [
    ("data", "X/data", None, {}),
    ("indices", "X/indices", None, {}),
    ("indptr", "X/indptr", None, {}),
    ("csc_indptr", "X/indptr", by_columns, {}),
    ("dense", "X", dense, {}),
    ("cell_names", "obs/_index", None, {}),
    ("gene_names", "var/_index", None, {}),
    ("type_codes", "var/feature_types/codes", None, {}),
    ("type_categories", "var/feature_types/categories", None, {}),
    ("name_codes", "var/names/codes", None, {"genes": "names"}),
]
CASES = [
    *[
        Case(
            f"zarr{version}_lost_{name}",
            f"A .zarr (format {version}) whose chunks of {place} are lost: they would be read as zeros",
            stored(version, place, change or (lambda made: None), **row),
            "rejected",
            says="not in the store",
        )
        for name, place, change, row in LOST
        for version in (2, 3)
    ],
    *[
        Case(
            f"zarr{version}_lost_one_of_many",
            f"A .zarr (format {version}) that lacks one chunk of many of X/data",
            one_of_many(version),
            "rejected",
            says="not in the store",
        )
        for version in (2, 3)
    ],
    *[
        Case(
            f"zarr{version}_zeros_left_out",
            f"A .zarr (format {version}) that leaves out chunks of zeros: one category, false alone",
            stored(version),
            "read",
            holds=ALL,
        )
        for version in (2, 3)
    ],
    Case("zarr_other_name", "A Zarr store whose name does not end in .zarr", renamed, "rejected", says="end in .zarr"),
    Case("zarr_spatialdata", "A SpatialData store", spatialdata, "rejected", says="SpatialData"),
    Case("zarr_zipped", "A zipped .zarr", file_named_zarr, "rejected", says="zip archive"),
]
