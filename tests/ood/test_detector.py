import numpy as np
import pytest

from cellcohort.classifier.cross_fit import OutOfFold
from cellcohort.ood.detector import MIN_CALIBRATION, Detector, fit_detector

NAMES = np.array(["a", "b"], object)


def out_of_fold(n: int, seed: int, *, types=None, scored=None) -> OutOfFold:
    """Reference cells whose four components are independent; type b is as typical as a, on another level."""
    types = np.resize([0, 1], n) if types is None else types
    components = np.random.default_rng(seed).normal(size=(n, 4)) * [1, 10, 0.1, 5] + types[:, None]
    scored = np.ones(n, bool) if scored is None else scored
    return OutOfFold(np.zeros(n, int), scored, types, components)


@pytest.fixture(scope="module")
def detector():
    return fit_detector(out_of_fold(2000, 1), NAMES)


def test_pvalues_of_new_reference_cells_are_uniform(detector):
    new = out_of_fold(4000, 2)
    pvalues = detector.pvalue(detector.score(new.ood_components), NAMES[new.types])
    for alpha in (0.05, 0.2, 0.5):
        assert (pvalues <= alpha).mean() == pytest.approx(alpha, abs=0.3 * alpha)


@pytest.mark.parametrize("component", range(4))
def test_a_cell_that_is_unlike_the_reference_in_any_component_is_found(detector, component):
    unlike = np.median(out_of_fold(100, 3).ood_components, 0)[None].copy()
    unlike[0, component] += 12 * detector.scale[component]
    assert detector.pvalue(detector.score(unlike), NAMES[:1])[0] < 0.01


def test_the_score_of_a_cell_does_not_depend_on_the_others(detector):
    components = out_of_fold(50, 3).ood_components
    alone = [detector.score(components[i : i + 1])[0] for i in range(50)]
    np.testing.assert_array_equal(detector.score(components), alone)


def test_labels_with_few_reference_cells_use_all_of_them():
    n = 2 * MIN_CALIBRATION
    detector = fit_detector(out_of_fold(n, 1, types=np.resize([0] * 9 + [1], n)), NAMES)
    assert set(detector.calibration) == {"", "a"}
    assert detector.pvalue(np.array([-1e9, 1e9]), np.array(["b", "b"])).tolist() == [1.0, 1 / (n + 1)]


def test_cells_that_nothing_scored_calibrate_nothing():
    n = 400
    scored = np.arange(n) < 300
    cells = out_of_fold(n, 1, scored=scored)
    cells.ood_components[~scored] = np.nan
    assert np.isfinite(fit_detector(cells, NAMES).calibration[""]).all()
    assert len(fit_detector(cells, NAMES).calibration[""]) == 300


def test_no_cells_are_no_error(detector):
    assert detector.score(np.empty((0, 4))).shape == (0,)


def test_a_reference_cell_of_the_same_score_counts_as_scoring_as_high():
    detector = Detector((0.0,) * 4, (1.0,) * 4, {"": [1.0, 2.0, 2.0, 3.0]})
    pvalues = detector.pvalue(np.array([0.5, 1.0, 2.0, 2.5, 3.0, 3.5]), np.array(["a"] * 6))
    assert pvalues.tolist() == pytest.approx([5 / 5, 5 / 5, 4 / 5, 2 / 5, 2 / 5, 1 / 5])


def test_a_cell_is_compared_with_the_reference_cells_of_its_own_label():
    detector = Detector((0.0,) * 4, (1.0,) * 4, {"": [1.0, 2.0, 3.0], "a": [5.0, 6.0, 7.0]})
    assert detector.pvalue(np.array([4.0, 4.0]), np.array(["a", "b"])).tolist() == [1.0, 0.25]


def test_the_score_is_the_sum_of_components_in_units_of_the_reference():
    detector = Detector((1.0, 2.0, 3.0, 4.0), (1.0, 2.0, 4.0, 8.0), {"": [0.0]})
    assert detector.score(np.array([[2.0, 4.0, 7.0, 12.0], [0.0, 0.0, -1.0, -4.0]])).tolist() == [4.0, -4.0]
