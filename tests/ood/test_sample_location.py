import numpy as np
import pytest

from cellcohort.ood.sample_location import lowest_mode

KNOWN = np.random.default_rng(0).normal(size=1000)


def test_a_label_of_one_mode_is_located_at_its_median():
    location, share = lowest_mode(KNOWN, 1.0)
    assert share == 1
    assert location == pytest.approx(np.median(KNOWN))


@pytest.mark.parametrize("foreign", [0.3, 0.6, 0.8])
def test_a_mode_far_above_does_not_move_it(foreign):
    n = int(foreign / (1 - foreign) * len(KNOWN))
    location, share = lowest_mode(np.concatenate([KNOWN, 15 + np.random.default_rng(1).normal(size=n)]), 1.0)
    assert location == pytest.approx(0, abs=0.3)
    assert share == pytest.approx(1 - foreign, abs=0.12)


def test_a_whole_label_that_is_shifted_is_followed():
    assert lowest_mode(KNOWN + 8, 1.0)[0] == pytest.approx(8, abs=0.1)


def test_one_cell_is_its_own_location():
    assert lowest_mode(np.array([3.0]), 1.0) == (3.0, 1.0)
