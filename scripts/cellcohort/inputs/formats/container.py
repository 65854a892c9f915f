"""An opened file of a sample: rows on disk, genes, and the table and names of cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..backed_matrix import Rows

_EXPRESSION = "Gene Expression"


@dataclass(frozen=True)
class Container:
    """An opened file.

    Attributes
    ----------
    keep
        Marks the columns of `matrix` that are genes and not antibodies or other features.
    obs, spatial
        The stored table of cells and their coordinates; None where the file has none.
    """

    matrix: Rows
    genes: pd.DataFrame
    keep: np.ndarray
    cell_ids: Callable[[], np.ndarray]
    obs: Any = None
    spatial: Any = None


def container(
    matrix: Rows, frame: pd.DataFrame, types: Any, cell_ids: Callable, obs: Any = None, spatial: Any = None
) -> Container:
    keep = np.ones(len(frame), dtype=bool)
    if types is not None and (types == _EXPRESSION).any():
        keep = types == _EXPRESSION
    return Container(matrix, frame[keep].reset_index(drop=True), keep, cell_ids, obs, spatial)
