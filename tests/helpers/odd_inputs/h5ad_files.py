"""Odd .h5ad and .zarr files."""

from __future__ import annotations

from pathlib import Path

from .case import Case, cells


def _truncated(folder: Path) -> dict[str, str]:
    cells().write_h5ad(folder / "cut.h5ad")
    content = (folder / "cut.h5ad").read_bytes()
    (folder / "cut.h5ad").write_bytes(content[: len(content) // 2])
    return {"path": "cut.h5ad"}


CASES = [
    Case("h5ad_cut_off", "An .h5ad whose second half is missing", _truncated, "rejected", says="cannot be read"),
]
