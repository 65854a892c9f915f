"""Coordinates of cells, as AnnData stores them: an array, or a table of columns, of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.errors import DamagedFileError
from ..obs_columns import column_names
from ..stores.stored_chunks import check_whole
from ..stores.stored_elements import array, dtype, is_group, member, shape, text_attribute


def read_coordinates(stored: Any) -> np.ndarray:
    """The numbers of an array or a table, float64; DamagedFileError for what is neither."""
    if not is_group(stored):
        return _numbers(stored)
    if text_attribute(stored, "encoding-type") != "dataframe":
        raise DamagedFileError("it is neither an array nor a table")
    columns = [_numbers(member(stored, name)) for name in column_names(stored)]
    if {column.ndim for column in columns} != {1} or len({column.size for column in columns}) != 1:
        raise DamagedFileError("its columns have different lengths")
    return np.column_stack(columns)


def _numbers(stored: Any) -> np.ndarray:
    if shape(stored) is None or dtype(stored).kind not in "biuf":
        raise DamagedFileError("its values are no numbers")
    check_whole(stored, "it")
    return array(stored).astype(np.float64)
