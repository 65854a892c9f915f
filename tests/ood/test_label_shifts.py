import numpy as np
import pytest

from cellcohort.ood.anchors import Candidate
from cellcohort.ood.label_shifts import LabelShifts, own_shifts, shift_labels
from cellcohort.ood.null import Null

NULL = Null([[1.0] * 5] * 10, [[2.0] * 5] * 10, [2.0] * 10, [[0.0, 5.0]] * 5, [100] * 5)


def candidate(location, *, n_cells=10_000, anchor=True):
    return Candidate(n_cells, location, 1.0, 0.9 if anchor else 0.2)


def test_a_shift_is_measured_from_the_centre_of_the_reference():
    assert own_shifts({0: candidate(4.0)}, NULL, 3) == {0: 3.0}


def test_anchors_of_many_cells_keep_their_own_and_others_get_the_median():
    shifts = shift_labels({0: candidate(4.0), 1: candidate(5.0), 2: candidate(9.0)}, NULL, 1)
    assert shifts.shift == pytest.approx([3, 4, 8, 4, 4], abs=0.01)
    assert shifts.variance[:3] == pytest.approx([0, 0, 0], abs=0.01)
    between = ((1 + 0 + 16) + 2) / 5
    assert shifts.variance[3:] == pytest.approx([between * 4 / 3] * 2)


def test_an_anchor_of_few_cells_is_drawn_towards_the_median():
    few = {0: candidate(4.0), 1: candidate(5.0), 2: candidate(9.0, n_cells=5)}
    shifts = shift_labels(few, NULL, 1)
    assert 4 < shifts.shift[2] < 8
    assert shifts.variance[2] > 0.1
    noise, between = 1.57 * 4 / 5, 19 / 5
    assert shifts.shift[2] == pytest.approx(4 + 4 * between / (between + noise))


def test_a_foreign_label_gets_the_median_without_slack():
    shifts = shift_labels({0: candidate(4.0), 1: candidate(5.0), 2: candidate(20.0, anchor=False)}, NULL, 1)
    assert (shifts.shift[2], shifts.variance[2]) == (pytest.approx(3.5), 0)


def test_a_shift_may_be_negative():
    assert (shift_labels({0: candidate(-4.0), 1: candidate(-5.0)}, NULL, 1).shift < 0).all()


def test_none_is_none():
    none = LabelShifts.none(3)
    assert (none.shift == 0).all()
    assert np.array_equal(none.shift, none.variance)
