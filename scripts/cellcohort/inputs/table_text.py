"""The text of a table that a user wrote: UTF-8, and no workbook."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import InputError


def table_text(path: str | Path, content: bytes) -> str:
    """`content` of the file as text without its byte order mark; UTF-16 without one shows by its zero bytes."""
    if content.startswith(b"PK\x03\x04"):
        raise InputError(f"{path}: it is an Excel workbook or a zip archive. Save it as tab-separated text (UTF-8).")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"{path}: it is not UTF-8 text. Save it as UTF-8 (tab-separated).")
    return text
