"""The kind of values by their range alone agrees with the kind that is told cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cellcohort.core.errors import InputError
from cellcohort.inputs.formats.value_range import kind_by_range
from cellcohort.inputs.value_kind import detect

COUNTS = np.random.default_rng(0).poisson(1.5, (200, 100)).astype("float32")
SIZE = 1e4 / COUNTS.sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (COUNTS, "counts"),
        (np.log1p(COUNTS * SIZE), "log-normalised"),
        (COUNTS * SIZE, "normalised"),
        (COUNTS + np.where(COUNTS > 2, 0.25, 0).astype("float32"), "expected counts"),
        (np.zeros((3, 4), "float32"), "counts"),
    ],
)
def test_both_tell_the_same(values, kind):
    assert kind_by_range(values[values > 0]) == kind
    assert detect(sparse.csr_matrix(values)).name == kind


@pytest.mark.parametrize(("value", "word"), [(-1.0, "negative"), (np.nan, "NaN"), (np.inf, "infinite")])
def test_what_no_count_can_be_is_refused(value, word):
    values = np.array([1.0, value])
    with pytest.raises(InputError, match=word):
        kind_by_range(values)
    with pytest.raises(InputError, match=word):
        detect(sparse.csr_matrix(values[None]))
