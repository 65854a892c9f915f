"""Log to a rule's file: messages, warnings, progress, and the exception that ends the job."""

from __future__ import annotations

import copy
import logging
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tqdm import tqdm

from .errors import InputError

T = TypeVar("T")
PROGRESS = {"progress": True}
"""`extra` of a record that says where a long job stands."""
EVERY = 30.0
"""Seconds between two lines of a job's progress on the terminal."""


def log_to(path: str | Path) -> None:
    """Send logging, warnings and the exception that ends the process to `path`, and what is worse than information, and
    a long job's progress, to standard error. What `path` holds already is kept.

    An InputError is shown as its message alone: the traceback would hide what the user has to change. Of any other
    exception the file holds the traceback, and the terminal one sentence that says so (design law 9). Libraries are
    kept to warnings, cellcohort itself to information.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    style = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    file, terminal = logging.FileHandler(path), logging.StreamHandler()  # what an earlier try said is kept
    file.setFormatter(logging.Formatter(style))
    terminal.setFormatter(_WithoutTraceback(style))
    terminal.addFilter(_OfInterest())
    logging.basicConfig(level="WARNING", handlers=[file, terminal], force=True)
    logging.getLogger("cellcohort").setLevel("INFO")
    logging.captureWarnings(True)
    sys.excepthook = partial(_log_exception, path)


def progress_bar(steps: Iterable[T], *, total: int, title: str, done: int = 0) -> Iterable[T]:
    """Pass `steps` on and show a progress bar; `done` of `total` are behind us.

    In a job it goes to the log, at most every ten seconds; else to the terminal or notebook, if there is one.
    """
    shown: dict[str, Any] = {"file": _BarLog(), "mininterval": 10, "ascii": True, "ncols": 100}
    if not _in_job():
        shown = {"disable": not (sys.stderr.isatty() or "ipykernel" in sys.modules), "leave": False}
    return tqdm(steps, total=total, initial=done, desc=title, **shown)


def _in_job() -> bool:
    return any(isinstance(handler, logging.FileHandler) for handler in logging.getLogger().handlers)


class _BarLog:
    """The file that tqdm writes its bar to: each state of the bar becomes a line of the log."""

    def write(self, text: str) -> None:
        if text.strip():
            logging.getLogger(__name__).info(text.strip(), extra=PROGRESS)

    def flush(self) -> None:
        """Nothing is held back."""


class _OfInterest(logging.Filter):
    """What a terminal shows: what is worse than information, and where a long job stands, once in `EVERY` seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last = time.monotonic()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            return True
        if not getattr(record, "progress", False) or time.monotonic() - self._last < EVERY:
            return False
        self._last = time.monotonic()
        return True


class _WithoutTraceback(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.exc_info = record.exc_text = None
        return super().format(record)


def _log_exception(
    path: str | Path, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log = logging.getLogger("cellcohort")
    if issubclass(kind, KeyboardInterrupt):
        log.info("interrupted")
    elif issubclass(kind, InputError):
        log.error("%s", error)
    else:
        said = f"{kind.__name__}: {error}".partition("\n")[0]
        message = "%s. This is no mistake in your input, or not one that is known; the traceback is in %s"
        log.error(message, said, path, exc_info=(kind, error, trace))
