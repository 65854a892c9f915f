"""The catalogue of odd inputs: what people give, made by code, and what becomes of it (table: tests/README.md)."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from .case import Case


def catalogue() -> list[Case]:
    """The cases of all modules of this package, each of which holds those of one topic as `CASES`."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return [case for module in modules for case in getattr(module, "CASES", [])]
