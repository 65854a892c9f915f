"""Whether a stored array is whole: HDF5 and Zarr read a chunk that is not there as zeros, without an error."""

from __future__ import annotations

from itertools import product
from math import ceil, prod
from pathlib import Path
from typing import Any

import h5py

from ...core.errors import DamagedFileError
from .stored_elements import library_call


def check_whole(element: Any, name: str, *, nothing: bool = False) -> None:
    """Raise DamagedFileError where a part of an array was never written or is lost.

    Zarr's writers may leave out chunks that hold nothing but zeros. The arrays that are checked hardly ever have any,
    and nothing tells such a chunk from a lost one, so that they are refused alike. With `nothing`, a Zarr array of
    which no part is there passes: a column of empty text.
    """
    with library_call():
        missing = prod(element.shape) and _is_missing(element)
    if missing and not (nothing and not isinstance(element, h5py.Dataset) and not _zarr_data(element)):
        raise DamagedFileError(
            f"{name}: parts of it are not in the store and would be read as zeros. Where nothing was lost in copying, "
            "they were left out for being zero: write the file as .h5ad"
        )


def _is_missing(element: Any) -> bool:
    if not isinstance(element, h5py.Dataset):
        return not _zarr_keys(element) <= _zarr_files(element)
    if element.is_virtual or element.external:
        return False
    if element.chunks is None:
        return element.id.get_storage_size() == 0
    return element.id.get_num_chunks() < prod(_grid(element.shape, element.chunks))


def _grid(shape: tuple[int, ...], chunks: tuple[int, ...]) -> list[int]:
    """The number of chunks along each axis."""
    return [ceil(size / chunk) for size, chunk in zip(shape, chunks, strict=True)]


def _zarr_keys(element: Any) -> set[str]:
    """The names of the files that a whole Zarr array has, relative to its folder."""
    places = product(*map(range, _grid(element.shape, element.shards or element.chunks)))
    return {element.metadata.encode_chunk_key(place) for place in places}


def _zarr_data(element: Any) -> set[str]:
    """Those of them that are there."""
    return _zarr_keys(element) & _zarr_files(element)


def _zarr_files(element: Any) -> set[str]:
    folder = Path(element.store.root) / element.path
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
