"""Read a user's tables of gene positions and chromosome arms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import InputError


def read_positions(path: str | Path) -> pd.DataFrame:
    """Read a table of gene positions: symbol, chromosome, start, end and, if there is one, gene_id.

    Tab-separated, or comma-separated when the name says .csv; either may be compressed. A gene without a symbol goes
    by its id. A missing column raises InputError.
    """
    table = _read_table(path, ["symbol", "chromosome", "start", "end"])
    return table.assign(symbol=table["symbol"].fillna(table["gene_id"])) if "gene_id" in table else table


def read_arms(path: str | Path) -> pd.DataFrame:
    """Read a table of chromosome arms: chromosome (or chr), arm, start, end, in the formats of gene positions."""
    table = _read_table(path, ["arm", "start", "end"]).rename(columns={"chr": "chromosome"})
    if "chromosome" not in table:
        raise InputError(f"{path}: column chromosome is missing. Name it so.")
    for column in ("start", "end"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
        if table[column].isna().any():
            line = int(np.flatnonzero(table[column].isna())[0]) + 2
            raise InputError(f"{path}: line {line}, column {column}: not a number. Give the position in base pairs.")
    return table


def _read_table(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    separator = "," if ".csv" in Path(path).suffixes else "\t"
    try:
        table = pd.read_csv(path, sep=separator, dtype=str)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: it cannot be read as a table ({error}). Correct cnv in the config.") from None
    absent = [column for column in columns if column not in table]
    if absent:
        raise InputError(f"{path}: columns: {', '.join(absent)} missing. Name them so, and separate columns by tabs.")
    return table
