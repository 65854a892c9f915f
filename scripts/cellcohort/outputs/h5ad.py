"""Write an .h5ad by rows, so that it is never in memory as a whole (design law 3).

The row pointers and column numbers of X have one dtype, as scipy has them in memory and as scanpy's functions ask for:
32 bits as long as these number the entries, else 64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from ..core import provenance
from ..core.files import atomic_path

INT32_MAX = 2**31 - 1
_CHUNK_BYTES = 2**18
_COPIED_ROWS = 2**22


class GrowingH5ad:
    """An open file; made by `growing_h5ad`. X, obs and each obsm grow by themselves and have to end equally long."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        columns = {name: column for name, column in file["obs"].items() if isinstance(column, h5py.Group)}
        self._categories = {name: pd.Index(column["categories"].asstr()[:]) for name, column in columns.items()}
        for name in (
            "X/data",
            "X/indices",
            *(f"obsm/{name}" for name, array in file["obsm"].items() if array.shape[1]),
            *_columns(file["obs"]),
        ):
            _make_growing(file, name)
        _make_growing(file, "X/indptr", dtype=np.int64, first=np.zeros(1))

    def unify_index_dtype(self) -> None:
        """Give row pointers and column numbers of X the dtype of the other, when all rows are there."""
        group = self._file["X"]
        narrow = max(len(group["data"]), group.attrs["shape"][1]) <= INT32_MAX
        _convert(group, "indptr" if narrow else "indices", np.int32 if narrow else np.int64)

    def append_rows(self, matrix: sparse.csr_matrix) -> None:
        """Add rows to X."""
        group = self._file["X"]
        _append(group["indptr"], group["indptr"][-1] + matrix.indptr[1:].astype(np.int64))
        _append(group["data"], matrix.data)
        _append(group["indices"], matrix.indices)
        group.attrs["shape"] = (len(group["indptr"]) - 1, matrix.shape[1])

    def append_obs(self, obs: pd.DataFrame) -> None:
        """Add rows to obs: the columns of the file and of its categoricals' categories."""
        group, obs = self._file["obs"], with_text_for_bool(obs)
        _append(group[group.attrs["_index"]], obs.index.to_numpy(object))
        for name in group.attrs["column-order"]:
            if name in self._categories:
                _append(group[name]["codes"], self._categories[name].get_indexer(obs[name].to_numpy(object)))
            else:
                _append(group[name], obs[name].to_numpy(object if obs[name].dtype == object else None))

    def append_obsm(self, name: str, values: np.ndarray) -> None:
        """Add rows to an obsm array."""
        _append(self._file["obsm"][name], values)


@contextmanager
def growing_h5ad(
    path: str | Path,
    *,
    obs: pd.DataFrame,
    var: pd.DataFrame,
    obsm: Mapping[str, int],
    uns: Mapping[str, Any] | None = None,
) -> Iterator[GrowingH5ad]:
    """Yield an empty .h5ad to append to; it appears at `path` when the block ends well.

    Parameters
    ----------
    obs
        No rows; its columns and dtypes are those of the file (see `with_text_for_bool`). A categorical has all of its
        categories.
    var
        The columns of X, which is CSR of float32; its index is made unique.
    obsm
        Number of columns of each float32 array; "spatial" is float64, as scverse writes it.
    uns
        Further content; where the file comes from is added (`core.provenance`).
    """
    var = var.set_axis(ad.utils.make_index_unique(var.index.astype(object)).rename(var.index.name))
    arrays = {name: np.empty((0, width), float if name == "spatial" else np.float32) for name, width in obsm.items()}
    matrix = sparse.csr_matrix((0, len(var)), dtype=np.float32)
    facts = {provenance.NAME: provenance.current()}
    skeleton = ad.AnnData(X=matrix, obs=with_text_for_bool(obs), var=var, obsm=arrays, uns={**(uns or {}), **facts})
    with atomic_path(path) as part:
        _write(part, skeleton)
        with h5py.File(part, "r+") as file:
            growing = GrowingH5ad(file)
            yield growing
            growing.unify_index_dtype()


def with_text_for_bool(obs: pd.DataFrame) -> pd.DataFrame:
    """`obs` with True and False as categories of text: scanpy groups and ranks by categories alone."""
    marks = obs.select_dtypes("bool")
    return obs.assign(**{name: pd.Categorical(column.astype(str), ["False", "True"]) for name, column in marks.items()})


def write_h5ad(path: str | Path, adata: ad.AnnData) -> None:
    """Write what is in memory as a whole; text may be missing in categoricals alone.

    The obs of what is written is `with_text_for_bool`, the var_names are made unique.
    """
    adata.obs = with_text_for_bool(adata.obs)
    adata.var_names_make_unique()
    with atomic_path(path) as part:
        _write(part, adata, compression="gzip")


def _write(path: Path, adata: ad.AnnData, **options: Any) -> None:
    """Write with text as every anndata reads it, also under pandas 3."""
    with ad.settings.override(allow_write_nullable_strings=False):
        adata.write_h5ad(path, **options)


def _columns(group: h5py.Group) -> list[str]:
    """The datasets that hold a value for each row: index, plain columns and the codes of categoricals."""
    names = [group.attrs["_index"], *group.attrs["column-order"]]
    return [f"obs/{name}/codes" if isinstance(group[name], h5py.Group) else f"obs/{name}" for name in names]


def _make_growing(file: h5py.File, name: str, *, dtype: Any = None, first: np.ndarray | None = None) -> None:
    """Replace an empty dataset by one that can be resized, with the same attributes."""
    old = file[name]
    attributes, shape, dtype = dict(old.attrs), old.shape[1:], dtype or old.dtype
    row_bytes = max(1, np.dtype(dtype).itemsize * int(np.prod(shape, dtype=int)))
    del file[name]
    new = file.create_dataset(
        name,
        shape=(0, *shape),
        maxshape=(None, *shape),
        dtype=dtype,
        chunks=(max(1, _CHUNK_BYTES // row_bytes), *(max(size, 1) for size in shape)),
        **({} if shape else {"compression": "gzip", "shuffle": True}),  # vectors of floats hardly shrink
    )
    new.attrs.update(attributes)
    if first is not None:
        _append(new, first)


def _append(dataset: h5py.Dataset, values: np.ndarray) -> None:
    start = dataset.shape[0]
    dataset.resize(start + len(values), axis=0)
    if len(values):
        dataset[start:] = values


def _convert(group: h5py.Group, name: str, dtype: Any) -> None:
    """Replace a one-dimensional dataset by the same one of another dtype, block by block."""
    old = group[name]
    new = group.create_dataset(
        f"{name}.new",
        shape=old.shape,
        maxshape=(None,),
        dtype=dtype,
        chunks=old.chunks,
        compression="gzip",
        shuffle=True,
    )
    for start in range(0, len(old), _COPIED_ROWS):
        new[start : start + _COPIED_ROWS] = old[start : start + _COPIED_ROWS]
    del group[name]
    group.move(f"{name}.new", name)
