"""Where the small tables lie that come with cellcohort, for those that only plan with them."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError

_CLONE = Path(__file__).resolve().parents[2] / "resources"
_INSTALLED = Path(__file__).resolve().parent / "resource_files"


def resource_path(name: str) -> Path:
    """The file `name` of the resources, in a clone or in an installed package."""
    for folder in (_INSTALLED, _CLONE):
        if (folder / name).exists():
            return folder / name
    raise InputError(f"{name}: this table is missing from {_CLONE}. Restore it, or install cellcohort again.")
