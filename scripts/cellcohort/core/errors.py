"""The one error that a user can cause."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InputError(ValueError):
    """Bad input: the message names the file, the place in it and the remedy."""


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn whatever a damaged file raises while it is read (HDF5, Zarr, gzip, text) into an InputError."""
    try:
        yield
    except InputError:
        raise
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zlib.error) as error:
        raise InputError(
            f"{path}: it cannot be read ({error}). Copy or write it again, or give another format."
        ) from error
