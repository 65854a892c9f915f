"""An opened file of a sample: rows on disk, genes, and the table and names of cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..stores.backed_matrix import Rows


@dataclass(frozen=True)
class Container:
    """An opened file.

    Attributes
    ----------
    keep
        Marks the columns of `matrix` that are genes and not antibodies or other features.
    types
        What the file says that each feature is; None where it says nothing.
    obs, spatial
        The stored table of cells and their coordinates; None where the file has none.
    other_counts
        Names, as in the sheet's `counts`, of the file's other matrices that look like counts.
    notes
        What was unusual about the file, and how it was read.
    """

    matrix: Rows
    genes: pd.DataFrame
    keep: np.ndarray
    cell_ids: Callable[[], np.ndarray]
    types: np.ndarray | None = None
    obs: Any = None
    spatial: Any = None
    other_counts: Callable[[], list[str]] = list
    notes: tuple[str, ...] = ()


def container(
    matrix: Rows,
    frame: pd.DataFrame,
    types: Any,
    cell_ids: Callable,
    obs: Any = None,
    spatial: Any = None,
    notes: tuple[str, ...] = (),
) -> Container:
    """All features of a file; `feature_types.genes_alone` takes the genes of them."""
    return Container(matrix, frame, np.ones(len(frame), dtype=bool), cell_ids, types, obs, spatial, notes=notes)
