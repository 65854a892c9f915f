import numpy as np
import pytest

from cellcohort.classifier.cross_fit import OutOfFold
from cellcohort.ood.detector import MIN_CALIBRATION, fit_detector

NAMES = np.array(["a", "b"], object)


def seen(n: int, seed: int, *, types=None, judged=None) -> OutOfFold:
    """Reference cells whose four views are independent; type b is as strange as a, on another level."""
    types = np.resize([0, 1], n) if types is None else types
    views = np.random.default_rng(seed).normal(size=(n, 4)) * [1, 10, 0.1, 5] + types[:, None]
    judged = np.ones(n, bool) if judged is None else judged
    return OutOfFold(np.zeros(n, int), judged, types, views)


@pytest.fixture(scope="module")
def detector():
    return fit_detector(seen(2000, 1), NAMES)


def test_pvalues_of_new_reference_cells_are_uniform(detector):
    new = seen(4000, 2)
    pvalues = detector.pvalue(detector.score(new.views), NAMES[new.types])
    for alpha in (0.05, 0.2, 0.5):
        assert (pvalues <= alpha).mean() == pytest.approx(alpha, abs=0.3 * alpha)


@pytest.mark.parametrize("view", range(4))
def test_a_cell_that_is_strange_in_any_view_is_found(detector, view):
    strange = np.median(seen(100, 3).views, 0)[None].copy()
    strange[0, view] += 12 * detector.scale[view]
    assert detector.pvalue(detector.score(strange), NAMES[:1])[0] < 0.01


def test_the_score_of_a_cell_does_not_depend_on_the_others(detector):
    views = seen(50, 3).views
    alone = [detector.score(views[i : i + 1])[0] for i in range(50)]
    np.testing.assert_array_equal(detector.score(views), alone)


def test_labels_with_few_reference_cells_use_all_of_them():
    n = 2 * MIN_CALIBRATION
    detector = fit_detector(seen(n, 1, types=np.resize([0] * 9 + [1], n)), NAMES)
    assert set(detector.calibration) == {"", "a"}
    assert detector.pvalue(np.array([-1e9, 1e9]), np.array(["b", "b"])).tolist() == [1.0, 1 / (n + 1)]


def test_cells_that_nothing_judged_calibrate_nothing():
    n = 400
    judged = np.arange(n) < 300
    cells = seen(n, 1, judged=judged)
    cells.views[~judged] = np.nan
    assert np.isfinite(fit_detector(cells, NAMES).calibration[""]).all()
    assert len(fit_detector(cells, NAMES).calibration[""]) == 300


def test_no_cells_are_no_error(detector):
    assert detector.score(np.empty((0, 4))).shape == (0,)
