"""Names of reference cells and donors that stay out of a bundle, which may be shared: hashes stand for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pandas as pd

from ..model.tokens import Tokens
from .calibrate import Calibration

_LETTERS = 16
_NAMES = ["cell_id", "donor"]


def hide_names(result: Calibration) -> Calibration:
    """The calibration with hashes in place of cell ids and donors; everything that needed the names is done by then.

    Equal names have equal hashes, so that donors can still be told apart. Whoever guesses a name can hash it, too.
    """
    embedding = result.reference_embedding
    hidden = {name: hashed(embedding[name]) for name in _NAMES}
    return replace(result, reference_embedding=embedding | hidden, reference_tokens=_shards(result))


def hashed(names: pd.Series | np.ndarray) -> np.ndarray:
    """The first letters of the SHA-256 of each name; what is missing stays so, None or empty."""
    values = pd.Series(names, dtype=object)
    return np.array([None if pd.isna(name) else _hash(name) for name in values], object)


def _hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:_LETTERS] if name else name


def _shards(result: Calibration) -> Iterator[tuple[Tokens, pd.DataFrame]]:
    for tokens, cells in result.reference_tokens:
        yield tokens, cells.assign(**{name: hashed(cells[name]) for name in _NAMES})
