"""Reading annotated.h5ad a sample at a time."""

from __future__ import annotations

from itertools import pairwise

import h5py
import numpy as np


def sample_rows(file: h5py.File) -> list[slice]:
    """The rows of each sample, which lie together."""
    codes = file["obs/sample_id/codes"][:]
    starts = np.flatnonzero(np.diff(codes, prepend=-1, append=-1)) if len(codes) else []
    return [slice(int(first), int(last)) for first, last in pairwise(starts)]


def column(file: h5py.File, name: str, rows: slice) -> np.ndarray:
    """Some rows of a column of obs; None where a text is missing. Of its categories those of these rows are read."""
    element = file["obs"][name]
    if isinstance(element, h5py.Group):
        codes, places = np.unique(element["codes"][rows], return_inverse=True)
        known = codes >= 0
        values = np.full(len(codes), None)
        if known.any():  # categories of nothing are no text
            values[known] = element["categories"].asstr()[codes[known]]
        return values[places]
    return element.asstr()[rows] if h5py.check_string_dtype(element.dtype) else element[rows]
