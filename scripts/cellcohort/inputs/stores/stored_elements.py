"""Read members, attributes and arrays of HDF5 and Zarr groups; what cannot be read is a DamagedFileError.

The libraries raise KeyError, ValueError and RuntimeError for damaged files. They are caught here, around the library's
own call alone, so that no mistake of ours is taken for one of the file (design law 9).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...core.errors import DamagedFileError, InputError

_DAMAGE = (
    *(AttributeError, EOFError, KeyError, MemoryError),
    *(OSError, RuntimeError, SystemError, TypeError, ValueError, ZeroDivisionError),
)
"""Attributes, because Zarr asks them of what should be an object; memory, because damaged blocks say that they hold
billions of values, and what is asked for is always bounded; divisions by zero, because they say that chunks have no
size."""


@contextmanager
def library_call() -> Iterator[None]:
    """Turn what HDF5 and Zarr raise into DamagedFileError; put around their own calls alone."""
    try:
        yield
    except _DAMAGE as error:
        raise DamagedFileError(f"{type(error).__name__}: {error}") from error


def open_store(path: str | Path) -> Any:
    """The root group of an HDF5 file or a .zarr store, read-only, whoever else holds it open."""
    if not Path(path).is_file() and not Path(path).is_dir():  # a pipe would be waited for without end
        raise InputError(f"{path}: it is no file or folder. Give the path of a file, not of a pipe or device.")
    with library_call():
        if Path(path).suffix == ".zarr":
            import zarr  # only where it is needed: its import is slow
            from numcodecs.registry import codec_registry

            codec_registry.pop("pickle", None)  # a store may name it, and its chunks would run (design law 5)
            return zarr.open_group(str(path), mode="r")
        try:
            return _open_hdf5(path)
        except OSError as error:
            if "already open for write" not in str(error):
                raise
            raise InputError(
                f"{path}: it is marked as being written: another program still writes it, or broke off. Wait until it "
                "is written; where no program writes any more, write it again or take the mark off with h5clear -s."
            ) from error


def _open_hdf5(path: str | Path) -> h5py.File:
    """The file without a lock, or with one where this very process holds it open so (a backed AnnData)."""
    try:
        return h5py.File(path, "r", locking=False, rdcc_nbytes=64 * 2**20)
    except OSError as error:
        if "locking flag values" not in str(error):
            raise
        return h5py.File(path, "r", rdcc_nbytes=64 * 2**20)


def has(group: Any, place: str) -> bool:
    """Whether a path of names exists below a group."""
    for name in place.split("/"):
        if not is_group(group) or not _contains(group, name):
            return False
        group = member(group, name)
    return True


def _contains(names: Any, name: str) -> bool:
    with library_call():
        return name in names


def is_group(element: Any) -> bool:
    """Whether an element has members (an array has none)."""
    return hasattr(element, "keys")


def members(group: Any) -> list[str]:
    """The names in a group; none for an array. h5py gives names that are no text as bytes."""
    with library_call():
        names = list(group.keys()) if is_group(group) else []
    return [name.decode(errors="backslashreplace") if isinstance(name, bytes) else name for name in names]


def member(group: Any, place: str) -> Any:
    """The group or array at a path of names below a group."""
    with library_call():
        return group[place]


def has_attribute(element: Any, name: str) -> bool:
    """Whether an element has an attribute."""
    return _contains(element.attrs, name)


def attribute(element: Any, name: str) -> Any:
    """An attribute."""
    with library_call():
        return element.attrs[name]


def text_attribute(element: Any, name: str) -> str:
    """An attribute of one text, however a program stores it (R as bytes, or as a list of one); empty without it."""
    with library_call():
        values = np.ravel(element.attrs[name]) if name in element.attrs else np.empty(0, object)
    return _text(values[0]) if values.size == 1 else ""


def text_attributes(element: Any, name: str) -> list[str]:
    """An attribute that is a list of texts; empty without it."""
    with library_call():
        return [_text(value) for value in np.ravel(element.attrs[name])] if name in element.attrs else []


def length(element: Any) -> int:
    """The number of values of an array of one dimension."""
    found = shape(element)
    if found is None or len(found) != 1:
        raise DamagedFileError(f"{element.name} is not a list of values")
    return found[0]


def shape(element: Any) -> tuple[int, ...] | None:
    """The shape of an array; None for a group and for an array of encoding null."""
    with library_call():
        return None if is_group(element) else element.shape


def dtype(element: Any) -> np.dtype:
    """The type of an array's values; that of texts is told by `is_text`."""
    with library_call():
        return element.dtype


def is_text(element: Any) -> bool:
    """Whether an array holds texts."""
    with library_call():
        if isinstance(element, h5py.Dataset):
            return h5py.check_string_dtype(element.dtype) is not None
        return element.dtype.kind in "SUOT"


def array(element: Any, rows: slice = slice(None)) -> np.ndarray:
    """Some rows of an array, as stored."""
    with library_call():
        return np.asarray(element[rows])


def texts(element: Any, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
    """Some values of an array of text or numbers as objects (n,): str, or None for NaN."""
    with library_call():
        if isinstance(element, h5py.Dataset) and is_text(element):
            return element.asstr()[rows]
        values = np.asarray(element[rows]).ravel()
    found = np.array([_text(value) for value in values], dtype=object)
    if values.dtype.kind == "f":
        found[np.isnan(values)] = None
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
