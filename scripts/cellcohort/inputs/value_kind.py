"""Detection of what a matrix holds: counts, expected counts, or normalised values, with or without a logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..core.errors import InputError

COUNTS, EXPECTED, LOG_NORMALISED, NORMALISED = "counts", "expected counts", "log-normalised", "normalised"
_LARGEST_LOG = 20.0
_TOLERANCE = 0.02
_BASES = (np.e, 2.0, 10.0)


@dataclass(frozen=True)
class ValueKind:
    """The kind of values and, for log-normalised ones, the base of log(1 + x)."""

    name: str
    base: float = np.e

    def linear(self, values: np.ndarray) -> np.ndarray:
        """`values` on the linear scale: expm1 (in the right base) of log-normalised ones, others unchanged."""
        return np.expm1(values * np.float32(np.log(self.base))) if self.name == LOG_NORMALISED else values


def detect(rows: sparse.csr_matrix) -> ValueKind:
    """Tell the kind of values from cells taken from the whole file.

    A linear or logarithmic size-factor normalisation leaves the values of a cell whole multiples of its smallest one
    (a count of one), or all cells with the same sum. Both are asked of each cell and the majority of cells decides,
    so that neither a few odd cells nor the absence of genes misleads. What is neither is judged by its range: a
    logarithm stays below 20, the counts of a sample do not.

    Parameters
    ----------
    rows
        (cells, genes) values as stored.

    Raises
    ------
    InputError
        For negative values (scaled data, residuals) and for NaN or infinity; the message lacks the file's name.
    """
    data = rows.data
    check_values(data)
    whole = _whole(data)
    if whole.all():
        return ValueKind(COUNTS)
    for base in _BASES:
        if data.max() * np.log(base) < _LARGEST_LOG and _normalised(rows, whole, base):
            return ValueKind(LOG_NORMALISED, base)
    if whole.mean() > 0.2:
        return ValueKind(EXPECTED)
    if _normalised(rows, whole, None):
        return ValueKind(NORMALISED)
    return ValueKind(LOG_NORMALISED if data.max() < _LARGEST_LOG else EXPECTED)


def check_values(data: np.ndarray) -> None:
    """Raise InputError for values that no count or normalised count can have."""
    if not np.isfinite(data).all():
        raise InputError("a value is NaN or infinite. Remove or impute it.")
    if data.size and data.min() < 0:
        raise InputError(
            "values are negative, so the matrix was scaled or centred. Name raw or log-normalised values by `counts` "
            "(raw or layers/NAME)."
        )


def _whole(values: np.ndarray) -> np.ndarray:
    return values == np.rint(values)


def _normalised(rows: sparse.csr_matrix, whole: np.ndarray, base: float | None) -> bool:
    """Whether all sums are equal or most cells are multiples of their smallest value, after undoing log(1 + x)."""
    linear = rows.astype(np.float64)
    if base is not None:
        linear.data = np.expm1(linear.data * np.log(base))
    sums = np.asarray(linear.sum(axis=1)).ravel()
    sums = sums[sums > 0]
    if sums.size > 1 and np.quantile(np.abs(sums / np.median(sums) - 1), 0.9) < 0.01:
        return True
    cells = zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    votes = [_multiples(linear.data[low:high], whole[low:high]) for low, high in cells]
    told = [vote for vote in votes if vote is not None]
    return bool(told) and float(np.mean(told)) > 0.5


def _multiples(values: np.ndarray, whole: np.ndarray) -> bool | None:
    """Whether a cell's values are multiples of its smallest; None when too few tell (stored integers never do)."""
    ratio = values[~whole] / values.min() if values.size else values
    ratio = ratio[(ratio > 1.5) & (ratio < 30)]
    if ratio.size < 5:
        return None
    return bool((np.abs(ratio - np.rint(ratio)) < _TOLERANCE).mean() > 0.9)
