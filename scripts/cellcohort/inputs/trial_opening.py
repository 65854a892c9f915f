"""A trial opening in a child process: damage that crashes or holds the HDF5 library ends the child, not the job."""

from __future__ import annotations

import faulthandler
import logging
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..core.errors import InputError

_SECONDS = 5
_BYTES_A_SECOND = 50_000_000
"""Processor time that opening may take: for a start, and by size. A slow disk takes none."""
_ENDLESS = {signal.SIGXCPU, signal.SIGKILL}
_REMEDY = "The file is damaged: copy or write it again"


def try_opening(path: str | Path, opening: Callable[[], object]) -> None:
    """Call `opening` in a child process. What it raises is left to the caller, who calls it once more.

    Raises
    ------
    InputError
        When the child crashes, or takes more processor time than a file of its size needs.
    """
    child = os.fork()
    if not child:
        _open(opening, _SECONDS + _size(Path(path)) // _BYTES_A_SECOND)
    killed_by = -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if killed_by in _ENDLESS:
        raise InputError(f"{path}: reading it comes to no end. {_REMEDY}.")
    if killed_by:
        raise InputError(f"{path}: reading it crashes the library ({signal.strsignal(killed_by)}). {_REMEDY}.")


def _open(opening: Callable[[], object], seconds: int) -> None:
    """What the child does: it says nothing, and ends without the parent's clean-up."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable()
    faulthandler.disable()
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    try:
        with suppress(Exception):
            opening()
    finally:
        os._exit(0)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
