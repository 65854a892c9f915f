"""What is to be said of the names of a sample's genes: names that occur twice, dates, names that matched nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .alignment import Alignment
from .date_names import is_date, symbol_of_date

_REPEATED_SHARE = 0.01
"""Share of the vocabulary above which repeated names are noted: in a 10x reference a handful of thousands are."""


def name_notes(genes: pd.DataFrame, alignment: Alignment, species: str) -> list[str]:
    """Notes on a sample's gene names (`Counts.genes`), most often none."""
    return [note for note in (_repeated(genes, alignment), _dates(genes["symbol"], species)) if note]


def shown_beside(genes: pd.DataFrame, vocabulary: pd.DataFrame) -> str:
    """A few names of the file beside a few of the vocabulary, for the message of a sample that matches too little."""

    def some(names: pd.Series) -> str:
        return ", ".join(names.astype(str)[:5])

    if genes.empty:
        return "The file has no genes."
    ids = vocabulary["gene_id"].dropna()
    also = f" ({some(ids)})" if len(ids) else ""
    return f"The file's genes are called {some(genes['symbol'])}; the vocabulary's {some(vocabulary['symbol'])}{also}."


def _repeated(genes: pd.DataFrame, alignment: Alignment) -> str | None:
    """Names of which several genes of the file are summed."""
    matched = np.flatnonzero(alignment.target >= 0)
    names = genes["symbol"].iloc[matched].astype(str)
    repeated = names[pd.MultiIndex.from_arrays([names.str.upper(), alignment.target[matched]]).duplicated()]
    found = repeated.drop_duplicates()
    if len(found) <= _REPEATED_SHARE * len(alignment.table):
        return None
    return (
        f"{len(found)} gene names of the vocabulary occur more than once in the file ({', '.join(found[:3])}): their "
        "counts are summed. If they are different genes, name them by their Ensembl ids (`genes` in the sheet)"
    )


def _dates(symbols: pd.Series, species: str) -> str | None:
    """Symbols that a spreadsheet turned into dates."""
    dates = symbols[symbols.astype(str).map(is_date).to_numpy(bool)].drop_duplicates()
    if dates.empty or 2 * len(dates) > len(symbols):
        return None
    lost = [name for name in dates if species == "mouse" or symbol_of_date(name) is None]
    left = f"; what {', '.join(lost[:3])} stands for is not certain, so {len(lost)} are left out" if lost else ""
    read = "" if len(lost) == len(dates) else ", and are read as those (2-Sep is SEPTIN2)"
    return (
        f"{len(dates)} gene names are dates that a spreadsheet made of symbols ({', '.join(dates[:3])}){read}{left}. "
        "Write the file anew with its gene names as text"
    )
