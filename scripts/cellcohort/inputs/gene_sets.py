"""Read gene sets from a GMT file."""

from __future__ import annotations

import re
from pathlib import Path

from ..core.errors import InputError, reading

_ID = re.compile(r"\d+|ENS[A-Z]*G\d+(\.\d+)?")


def read_gene_sets(path: str | Path) -> dict[str, list[str]]:
    """Gene sets of a GMT file: in each line name, description and symbols, tab-separated.

    Raises
    ------
    InputError
        If there is no set, a line has no symbol, a symbol holds a comma or blank, a name is missing or occurs twice,
        or the genes are ids throughout.
    """
    sets: dict[str, list[str]] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        name, *rest = (cell.strip().strip('"') for cell in line.split("\t"))
        symbols = list(dict.fromkeys(filter(None, rest[1:])))
        _check_set(f"{path}: line {number}", name, symbols)
        if name in sets:
            raise InputError(f"{path}: line {number}: the set {name} occurs twice. Give each set a name of its own.")
        sets[name] = symbols
    if not sets:
        raise InputError(f"{path}: no gene set. Write a line for each: name, description and symbols, tab-separated.")
    genes = [symbol for symbols in sets.values() for symbol in symbols]
    if all(map(_ID.fullmatch, genes)):
        raise InputError(f"{path}: its genes are ids ({genes[0]}, ...). Give gene sets with symbols.")
    return sets


def _check_set(place: str, name: str, symbols: list[str]) -> None:
    """Raise InputError unless a line has a name and symbols."""
    if not symbols:
        raise InputError(f"{place}: no gene. Give name, description and symbols, tab-separated.")
    if not name:
        raise InputError(f"{place}: the set has no name. Give name, description and symbols, tab-separated.")
    for symbol in symbols:
        if re.search(r"[\s,;]", symbol):
            raise InputError(f"{place}: {symbol[:60]!r} is no gene's symbol. Separate symbols by tabs.")


def _lines(path: str | Path) -> list[str]:
    with reading(path):
        content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file. Give gene sets as GMT, tab-separated.") from error
