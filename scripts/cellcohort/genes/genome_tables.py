"""A user's tables of gene positions and chromosome arms as DataFrames."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..inputs.genome_files import arm_rows, position_rows


def read_positions(path: str | Path) -> pd.DataFrame:
    """Read a table of gene positions: symbol, chromosome, start, end and, if there is one, gene_id.

    Tab- or comma-separated; either may be compressed. A gene without a symbol goes by its id. A missing column, or a
    place that is not a number, raises InputError.
    """
    return pd.DataFrame(position_rows(path))


def read_arms(path: str | Path) -> pd.DataFrame:
    """Read a table of chromosome arms: chromosome (or chr), arm, start, end, in the formats of gene positions."""
    table = pd.DataFrame(arm_rows(path))
    return table.assign(start=pd.to_numeric(table["start"]), end=pd.to_numeric(table["end"]))
