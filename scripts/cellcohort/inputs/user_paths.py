"""Check the paths that config and sheet name: that they can be handed to Snakemake, exist, and can be read at all."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from ..core.errors import InputError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATHVAR = re.compile(r"<[a-z][a-z0-9_]*>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_path(path: str, place: str, *, near: Iterable[str] = (), remedy: str = "Correct the path") -> None:
    """Raise InputError unless `path` is one that Snakemake takes as it is, of a file or folder that exists.

    Parameters
    ----------
    path
        As the user wrote it, absolute or relative to the working directory.
    place
        Where the user wrote it, for the message.
    near
        Folders that a relative path may have been meant to start at.
    remedy
        What to do about a path that does not exist.
    """
    problem = "holds a brace, which Snakemake reads as a wildcard" if "{" in path or "}" in path else ""
    if _PATHVAR.search(path):
        problem = "holds a word in angle brackets, which Snakemake reads as the name of a path"
    if problem:
        raise InputError(f"{place}: {path} {problem}. Rename the file or folder.")
    check_exists(path, place, near=near, missing=f"{place}: {path} does not exist. {remedy}")


def check_exists(path: str, place: str, *, near: Iterable[str], missing: str) -> None:
    """Raise InputError, with the sentence `missing` and a hint, unless `path` is a file or folder that exists."""
    if _CONTROL.search(path):
        raise InputError(f"{place}: {path!a} holds a line break or a character that no path has. Rename the file.")
    try:
        kind = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{missing} ({_hint(path, near)}).") from None
    except OSError as error:
        raise InputError(f"{place}: {path}: {error.strerror}. Correct the path, or its rights.") from None
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise InputError(f"{place}: {path} is a pipe, socket or device. Name a file or folder.")


def _hint(path: str, near: Iterable[str]) -> str:
    """Why a path may not exist."""
    if os.path.islink(path):
        return f"it is a link to {os.readlink(path)}, which is not there"
    if _ADDRESS.match(path):
        return "it is an address: fetch the file, and name your copy"
    if path.startswith("~") or "$" in path:
        return "~ and variables of the shell are not expanded: write it in full"
    text = f"relative paths start at {Path.cwd()}"
    for folder in near:
        found = os.path.join(folder, path)
        if not os.path.isabs(path) and os.path.exists(found):
            return f"{text}: write {found}"
    return text


def folders_of(files: Iterable[str | Path]) -> list[str]:
    """The folders that files lie in, relative to the working directory where they are below it."""
    folders = (os.path.relpath(os.path.dirname(os.path.abspath(file))) for file in files)
    return [os.path.abspath(folder) if folder.startswith(os.pardir) else folder for folder in dict.fromkeys(folders)]


def check_results(folder: str) -> None:
    """Raise InputError unless results can be written to `folder`, which need not exist yet."""
    place, path = "config: pathvars.results", Path(folder)
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    if not path.is_dir():
        raise InputError(f"{place}: {path} is no folder. Name another, or move the file away.")
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"{place}: {path} cannot be written to. Name another folder, or correct its rights.")
