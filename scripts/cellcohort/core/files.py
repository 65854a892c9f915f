"""Atomic writing of files, JSON, and checksums."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import InputError

_UMASK = os.umask(0)


os.umask(_UMASK)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends well.

    A block that raises leaves nothing behind; a process that is killed leaves `path` as it was, and what it had
    written is overwritten next time. The temporary name keeps the suffix, because writers choose their format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield part
        if part.is_file():
            part.chmod(0o666 & ~_UMASK)  # some writers make private files
        part.replace(path)
    finally:
        shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file at once: of tensors, because safetensors' save_file leaves a file of its own when it is killed."""
    with atomic_path(path) as part:
        part.write_bytes(content)


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write `content` as indented JSON with a newline at the end."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object; what is none raises InputError."""
    try:
        content = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:  # of bytes that are no JSON in UTF-8
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: it cannot be read as JSON ({reason}). Copy or write it again.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: a JSON {type(content).__name__}, not an object. Copy or write it again.")
    return content


def digest(content: Any) -> str:
    """SHA-256 of anything that JSON can say."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def checksum(path: str | Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files below a folder."""
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return digest([[str(file.relative_to(path)), checksum(file)] for file in files])
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
