"""Detection of what a matrix holds: counts, expected counts, or normalised values, with or without a logarithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from ..core.errors import InputError

COUNTS, EXPECTED, LOG_NORMALISED, NORMALISED = "counts", "expected counts", "log-normalised", "normalised"
_LARGEST_LOG = 20.0
_TOLERANCE = 0.02
_BASES = (np.e, 2.0, 10.0)
_CLOSER = 0.5
_LARGEST = 2**24
_FEWEST_HIDDEN = 100
_FEWEST_ALIKE = 4
_FEWEST_ZEROS, _FEWEST_GENES, _FEWEST_VALUES = 0.01, 20, 1000


@dataclass(frozen=True)
class ValueKind:
    """The kind of values and, for log-normalised ones, the base of log(1 + x) and whether the values prove it."""

    name: str
    base: float = np.e
    proven: bool = True

    @property
    def note(self) -> str:
        """What is to be said of the kind, "" of counts."""
        if self.name == COUNTS:
            return ""
        base = "e" if self.base == np.e else f"{self.base:g}"
        if not self.proven:
            why = "it is usual" if self.base == np.e else "the cells' sums are closest to one another under it"
            return f"the values are {self.name}; nothing proves the base of the logarithm, {base} is taken, as {why}"
        return f"the values are {self.name}{'' if self.base == np.e else f', to base {base}'}"

    def linear(self, values: np.ndarray) -> np.ndarray:
        """`values` on the linear scale: expm1 (in the right base) of log-normalised ones, others unchanged.

        Raises
        ------
        InputError
            For a value that no logarithm of a count reaches; the message lacks the file's name.
        """
        if self.name != LOG_NORMALISED:
            return values
        if values.size and values.max() * np.log(self.base) >= _LARGEST_LOG:
            raise InputError(f"a value of {values.max():g} is too large for a logarithm, which other values are.")
        return np.expm1(values * np.float32(np.log(self.base)))


def detect(rows: sparse.csr_matrix, genes: Sequence[str] = ()) -> ValueKind:
    """Tell the kind of values from cells taken from the whole file.

    A linear or logarithmic size-factor normalisation leaves the values of a cell whole multiples of its smallest one
    (a count of one), or all cells with the same sum. Both are asked of each cell and the majority of cells decides,
    so that neither a few odd cells nor the absence of genes misleads. What is neither is judged by its range: a
    logarithm stays below 20, the counts of a sample do not. Its base is then e, unless another brings the cells' sums
    twice as close to one another.

    Parameters
    ----------
    rows
        (cells, genes) values as stored.
    genes
        Names of the genes, for messages.

    Raises
    ------
    InputError
        For values of which no counts can be made: negative (scaled data, residuals), NaN, infinite or absurdly large,
        equal in each cell (0/1), denoised, counts over a cell's volume beside intensities; the message lacks the file's
        name.
    """
    data = rows.data
    check_values(data)
    whole = _whole(data)
    _check_not_binary(rows)
    if whole.all():
        return ValueKind(COUNTS)
    _check_not_denoised(rows, whole)
    bases = [base for base in _BASES if data.max() * np.log(base) < _LARGEST_LOG]
    for base in bases:
        if _normalised(rows, whole, base):
            return ValueKind(LOG_NORMALISED, base)
    if whole.mean() > 0.2:
        return ValueKind(EXPECTED)
    _check_no_intensities(rows, genes)
    if _normalised(rows, whole, None):
        return ValueKind(NORMALISED)
    return ValueKind(LOG_NORMALISED, _likeliest(rows, bases), proven=False) if bases else ValueKind(EXPECTED)


def check_values(data: np.ndarray) -> None:
    """Raise InputError for values that no count or normalised count can have."""
    if not np.isfinite(data).all():
        raise InputError("a value is NaN or infinite. Remove or impute it.")
    if data.size and data.min() < 0:
        raise InputError(
            "values are negative, so the matrix was scaled or centred. Name raw or log-normalised values by `counts` "
            "(raw or layers/NAME)."
        )
    if data.size and data.max() > _LARGEST:
        raise InputError(
            f"a value is {data.max():g}; no cell has more than {_LARGEST:,} counts of a gene. Repair the file, or name "
            "its counts by `counts`."
        )


def _check_not_binary(rows: sparse.csr_matrix) -> None:
    """Raise InputError where all values of each cell are equal though genes with as few zeros vary by chance alone.

    Where counts are as rare as these zeros tell (Poisson), `_FEWEST_HIDDEN` of them are expected to be above one; in a
    smaller or shallower sample nothing but ones is possible.
    """
    detected = rows.copy()
    detected.eliminate_zeros()
    starts = detected.indptr[:-1][np.diff(detected.indptr) > 0]
    if not starts.size:
        return
    low, high = np.minimum.reduceat(detected.data, starts), np.maximum.reduceat(detected.data, starts)
    n_cells = np.bincount(detected.indices, minlength=rows.shape[1])
    share = n_cells / (rows.shape[0] + 1)
    found = share > 0
    rate = -np.log1p(-share[found])
    above_one = n_cells[found] * (1 - rate * (1 - share[found]) / share[found])
    if above_one.sum() >= _FEWEST_HIDDEN and np.allclose(low, high, rtol=1e-6):
        raise InputError(
            "all values of a cell are the same (0 and 1, or true and false): they say which genes were found, not how "
            "often, and are no counts. Name the counts by `counts`."
        )


def _check_not_denoised(rows: sparse.csr_matrix, whole: np.ndarray) -> None:
    """Raise InputError where hardly a value is zero and the values are not made of counts."""
    n_values = np.bincount(rows.indices[rows.data > 0], minlength=rows.shape[1])
    n_genes = int((n_values > 0).sum())
    size = n_genes * rows.shape[0]
    if n_genes < _FEWEST_GENES or size < _FEWEST_VALUES or n_values.sum() < (1 - _FEWEST_ZEROS) * size:
        return
    bases = [base for base in _BASES if rows.data.max() * np.log(base) < _LARGEST_LOG]
    if not any(_of_counts(_undone(rows, base), whole) for base in (None, *bases)):
        raise InputError(
            f"{n_values.sum() / size:.1%} of the values are above zero, and they are no whole numbers, as after "
            "denoising or imputation (scVI, MAGIC, DCA) or for bulk samples: most counts of a single cell are zero. "
            "Name the counts by `counts`."
        )


def _check_no_intensities(rows: sparse.csr_matrix, genes: Sequence[str]) -> None:
    """Raise InputError where the values of some genes are whole multiples of a unit of each cell, those of others not.

    Imaging counts molecules (MERFISH divides them by the cell's volume, so that a count is another value in each cell),
    but stains some genes whose light alone is measured: on the scale of counts these mean nothing. Merely rounded
    values have one unit in all cells and are let through.
    """
    units = np.array([_unit(rows.data[low:high]) for low, high in pairwise(rows.indptr)])
    told = np.isfinite(units)
    if told.mean() < 0.5 or len(np.unique(units[told])) < told.sum() / 2:
        return
    ratio = rows.data / np.repeat(units, np.diff(rows.indptr))
    known = np.isfinite(ratio)
    off = (np.abs(ratio - np.rint(ratio)) > _TOLERANCE) | (ratio < 0.5)
    n_values = np.bincount(rows.indices[known], minlength=rows.shape[1])
    n_off = np.bincount(rows.indices[known & off], minlength=rows.shape[1])
    share = n_off / np.maximum(n_values, 1)
    judged = n_values >= _FEWEST_GENES
    stained, counted = judged & (share > 0.9), judged & (share < 0.1)
    if stained.any() and (stained | counted).sum() >= 0.9 * judged.sum() and counted.sum() >= stained.sum():
        names = [str(genes[gene]) for gene in np.flatnonzero(stained)[:3]] if len(genes) else []
        raise InputError(
            f"the values of {counted.sum()} genes are whole multiples of a number of each cell, as counts divided by "
            f"the cell's volume (MERFISH), those of {stained.sum()} others ({', '.join([*names, '...'])}) are not, as "
            "intensities of a stain. Name the counts by `counts`, or leave those genes out."
        )


def _unit(values: np.ndarray) -> float:
    """The most frequent value of a cell, the smallest of several, which is one count in most; NaN where none recurs."""
    found, times = np.unique(values, return_counts=True)
    most = int(times.argmax()) if times.size else 0
    return float(found[most]) if times.size and times[most] >= _FEWEST_ALIKE else np.nan


def _likeliest(rows: sparse.csr_matrix, bases: list[float]) -> float:
    """The base that brings the cells' sums closest together: e, unless another does so twice as well.

    A wrong base raises values to a power: one that is too small spreads the sums, as a few genes then rule them.
    """
    spread = {base: _spread(_undone(rows, base)) for base in bases}
    best = min(bases, key=spread.__getitem__)
    return best if np.e not in spread or spread[best] < _CLOSER * spread[np.e] else np.e


def _spread(linear: sparse.csr_matrix) -> float:
    """The median deviation of the logarithm of the cells' sums."""
    sums = _sums(linear)
    return float(np.median(np.abs(np.log(sums / np.median(sums))))) if sums.size else 0.0


def _whole(values: np.ndarray) -> np.ndarray:
    return values == np.rint(values)


def _undone(rows: sparse.csr_matrix, base: float | None) -> sparse.csr_matrix:
    """`rows` after undoing log(1 + x), unchanged without a base."""
    linear = rows.astype(np.float64)
    if base is not None:
        linear.data = np.expm1(linear.data * np.log(base))
    return linear


def _sums(linear: sparse.csr_matrix) -> np.ndarray:
    sums = np.asarray(linear.sum(axis=1)).ravel()
    return sums[sums > 0]


def _normalised(rows: sparse.csr_matrix, whole: np.ndarray, base: float | None) -> bool:
    """Whether all sums are equal or values are made of counts, after undoing log(1 + x)."""
    linear = _undone(rows, base)
    sums = _sums(linear)
    if sums.size > 1 and np.quantile(np.abs(sums / np.median(sums) - 1), 0.9) < 0.01:
        return True
    return _of_counts(linear, whole)


def _of_counts(linear: sparse.csr_matrix, whole: np.ndarray) -> bool:
    """Whether values are whole numbers that were not so as stored, or most cells are multiples of their smallest."""
    told = linear.data[~whole & (linear.data > 0.5) & (linear.data < 1000)]
    if told.size and (np.abs(told - np.rint(told)) < _TOLERANCE).mean() > 0.95:
        return True
    cells = zip(linear.indptr[:-1], linear.indptr[1:], strict=True)
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
