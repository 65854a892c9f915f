"""Symbols and Ensembl ids of a file's genes, from whatever its columns call them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_ENSEMBL = r"^(ENS[A-Z]{0,6}G\d{11})(?:\.\d+)?(?:_PAR_Y)?$"


def gene_frame(names: np.ndarray, *, index: np.ndarray, symbols: Any = None, ids: Any = None) -> pd.DataFrame:
    """Symbols and Ensembl ids from whatever a file calls its genes.

    Parameters
    ----------
    names
        The names that count, symbols or Ensembl ids or both mixed; where empty, `index` is used.
    symbols, ids
        What other columns of the file say, used where `names` does not say it.

    Returns
    -------
    Columns `symbol` (an id where there is none) and `gene_id` (version and PAR suffix stripped, None when unknown).
    """
    own = pd.Series(names, dtype=object)
    own = own.where(own != "", pd.Series(index, dtype=object))
    gene_id = _ensembl_id(own)
    if ids is not None:
        gene_id = gene_id.fillna(_ensembl_id(pd.Series(ids, dtype=object)))
    symbol = own.where(_ensembl_id(own).isna())
    if symbols is not None:
        symbol = symbol.fillna(pd.Series(symbols, dtype=object).where(lambda given: given != ""))
    symbol = symbol.fillna(gene_id)
    return pd.DataFrame({"symbol": symbol, "gene_id": gene_id.astype(object).where(gene_id.notna(), None)})


def _ensembl_id(names: pd.Series) -> pd.Series:
    return names.str.extract(_ENSEMBL, expand=False)
