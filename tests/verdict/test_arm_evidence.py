from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.verdict.arm_evidence import (
    CLONE,
    CLONE_CELLS,
    OPEN_LIMIT,
    QUIET,
    arm_evidence,
    clone_evidence,
    modest,
)


def test_a_small_ratio_is_taken_at_its_word_and_a_large_one_is_not():
    assert modest(np.array([0.0, 0.5])) == pytest.approx(np.array([0, 0.48]), abs=0.01)
    assert (np.abs(modest(np.array([-100.0, 100.0]))) < 20).all()
    assert (np.diff(modest(np.linspace(-200, 200, 101))) > 0).all()


def test_what_was_compared_with_nothing_is_no_evidence():
    cells = pd.DataFrame({
        "llr": [9.0, np.nan, 9.0, -50.0, 0.0],
        "cnv_call": ["undetermined", None, "undetermined", "diploid", "diploid"],
        "reference_source": [None, None, "patient", "patient", "patient"],
    })  # fmt: skip
    found = arm_evidence(cells)
    assert found[:3].tolist() == [0, 0, OPEN_LIMIT]
    assert found[3] == modest(np.array([-50.0]))[0]
    assert found[4] == QUIET


def test_a_clone_of_a_few_cells_is_none():
    clone = ["clone 1"] * CLONE_CELLS + ["clone 2"] * (CLONE_CELLS - 1) + [None]
    found = clone_evidence(pd.DataFrame({"clone": clone}))
    assert (found[:CLONE_CELLS] == CLONE).all()
    assert (found[CLONE_CELLS:] == 0).all()
