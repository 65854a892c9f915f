"""What stored values are by their range alone; `inputs.value_kind` judges cell by cell, and needs whole cells."""

from __future__ import annotations

import numpy as np

from ...core.errors import InputError

_LARGEST_LOG = 20.0
_WHOLE_OF_EXPECTED = 0.2


def kind_by_range(values: np.ndarray) -> str:
    """counts, expected counts, log-normalised or normalised, as `inputs.value_kind` names them.

    Raises
    ------
    InputError
        For values of which no counts can be made: negative, NaN or infinite; the message lacks the file's name.
    """
    if not np.isfinite(values).all():
        raise InputError("a value is NaN or infinite. Remove or impute it.")
    if values.size and values.min() < 0:
        raise InputError(
            "values are negative, so the matrix was scaled or centred. Name raw or log-normalised values by `counts` "
            "(raw or layers/NAME)."
        )
    values = values[values > 0]
    whole = values == np.rint(values)
    if whole.all():
        return "counts"
    if whole.mean() > _WHOLE_OF_EXPECTED:
        return "expected counts"
    return "log-normalised" if values.max() < _LARGEST_LOG else "normalised"
