"""Log to a rule's file: messages, warnings, progress, and the exception that ends the job."""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

from .errors import InputError

T = TypeVar("T")


def log_to(path: str | Path) -> None:
    """Send logging, warnings and the exception that ends the process to `path`, and what is worse than information to
    standard error.

    An InputError is shown as its message alone: the traceback would hide what the user has to change. Of any other
    exception the file holds the traceback, and the terminal one sentence that says so (design law 9). Libraries are
    kept to warnings, cellcohort itself to information.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    style = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    file, terminal = logging.FileHandler(path, mode="w"), logging.StreamHandler()
    file.setFormatter(logging.Formatter(style))
    terminal.setFormatter(_WithoutTraceback(style))
    terminal.setLevel("WARNING")
    logging.basicConfig(level="WARNING", handlers=[file, terminal], force=True)
    logging.getLogger("cellcohort").setLevel("INFO")
    logging.captureWarnings(True)
    sys.excepthook = partial(_log_exception, path)


def progress_bar(steps: Iterable[T], *, total: int, title: str, done: int = 0) -> Iterable[T]:
    """Pass `steps` on and log a progress bar, at most every ten seconds; `done` of `total` are behind us."""
    return tqdm(steps, total=total, initial=done, desc=title, file=_BarLog(), mininterval=10, ascii=True, ncols=100)


class _BarLog:
    """The file that tqdm writes its bar to: each state of the bar becomes a line of the log."""

    def write(self, text: str) -> None:
        if text.strip():
            logging.getLogger(__name__).info(text.strip())

    def flush(self) -> None:
        """Nothing is held back."""


class _WithoutTraceback(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.exc_info = record.exc_text = None
        return super().format(record)


def _log_exception(
    path: str | Path, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log = logging.getLogger("cellcohort")
    if issubclass(kind, InputError):
        log.error("%s", error)
    else:
        said = f"{kind.__name__}: {error}".partition("\n")[0]
        message = "%s. This is no mistake in your input, or not one that is known; the traceback is in %s"
        log.error(message, said, path, exc_info=(kind, error, trace))
