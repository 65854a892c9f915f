"""Everything a rule says goes to the rule's log file."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from types import TracebackType

from .errors import InputError


def log_to(path: str | Path) -> None:
    """Send logging, warnings and the exception that ends the process to `path`, and to standard error.

    An InputError is shown as its message alone: the traceback would hide what the user has to change. Libraries are
    kept to warnings, cellcohort itself to information.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(path, mode="w"), logging.StreamHandler()]
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="WARNING", handlers=handlers, force=True
    )
    logging.getLogger("cellcohort").setLevel("INFO")
    logging.captureWarnings(True)
    sys.excepthook = _log_exception


def _log_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    text = str(error) if issubclass(kind, InputError) else "".join(traceback.format_exception(kind, error, trace))
    logging.getLogger("cellcohort").error(text.rstrip())
