"""Everything a rule says, its progress included, goes to the rule's log file."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

from .errors import InputError

T = TypeVar("T")


def log_to(path: str | Path) -> None:
    """Send logging, warnings and the exception that ends the process to `path`, and what is worse than information to
    standard error.

    An InputError is shown as its message alone: the traceback would hide what the user has to change. Libraries are
    kept to warnings, cellcohort itself to information.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    terminal = logging.StreamHandler()
    terminal.setLevel("WARNING")
    handlers = [logging.FileHandler(path, mode="w"), terminal]
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="WARNING", handlers=handlers, force=True
    )
    logging.getLogger("cellcohort").setLevel("INFO")
    logging.captureWarnings(True)
    sys.excepthook = _log_exception


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


def _log_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    text = str(error) if issubclass(kind, InputError) else "".join(traceback.format_exception(kind, error, trace))
    logging.getLogger("cellcohort").error(text.rstrip())
