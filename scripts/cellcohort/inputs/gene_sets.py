"""Read gene sets from a GMT file."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import InputError


def read_gene_sets(path: str | Path) -> dict[str, list[str]]:
    """Gene sets of a GMT file: in each line name, description and symbols, tab-separated.

    Raises
    ------
    InputError
        If a line has no symbol, or a name occurs twice.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file. Give gene sets as GMT, tab-separated.") from error
    sets: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        name, *rest = (cell.strip() for cell in line.split("\t"))
        symbols = list(dict.fromkeys(filter(None, rest[1:])))
        if not line.strip():
            continue
        if not symbols:
            raise InputError(f"{path}: line {number}: no gene. Give name, description and symbols, tab-separated.")
        if name in sets:
            raise InputError(f"{path}: line {number}: the set {name} occurs twice. Give each set a name of its own.")
        sets[name] = symbols
    return sets
