"""Errors: InputError for what a user can mend, DamagedFileError for bytes that cannot be read (design law 9)."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


class InputError(ValueError):
    """Bad input: the message names the file, the place in it and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(message.encode("utf-8", "backslashreplace").decode())  # bytes of a file are not always text


class DamagedFileError(Exception):
    """Bytes that cannot be read; the message lacks the file's name, which `reading` adds."""


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn what reading the bytes of a file raises into an InputError; the log keeps the traceback.

    Errors of the operating system and of decompression are caught, and DamagedFileError, into which `inputs.stores`
    turns what HDF5 and Zarr raise. A KeyError or ValueError of our own code passes: it is no fault of the file.
    """
    try:
        yield
    except (DamagedFileError, OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        log.info("%s: it cannot be read", path, exc_info=True)
        raise InputError(
            f"{path}: it cannot be read ({error}). Copy or write it again, or give another format."
        ) from error
