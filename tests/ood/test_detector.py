from dataclasses import asdict

import numpy as np
import pytest

from cellcohort.classifier.cross_fit import OutOfFold
from cellcohort.ood.detector import Detector, fit_detector
from cellcohort.ood.neighbourhoods import MOST


def out_of_fold(n: int, seed: int, *, scored=None) -> OutOfFold:
    """Reference cells whose four components are independent; type b is as typical as a, on another level."""
    types = np.resize([0, 1], n)
    components = np.random.default_rng(seed).normal(size=(n, 4)) * [1, 10, 0.1, 5] + types[:, None]
    scored = np.ones(n, bool) if scored is None else scored
    return OutOfFold(np.arange(n) % 2, scored, types, components)


def neighbours(n: int) -> np.ndarray:
    """Neighbourhoods of cells of the same type and fold."""
    return np.arange(n)[:, None] - 2 * np.arange(MOST) * (np.arange(n) >= 2 * MOST)[:, None]


@pytest.fixture(scope="module")
def detector():
    return fit_detector(out_of_fold(2000, 1), neighbours(2000), 2)


def test_pvalues_of_new_reference_cells_are_uniform(detector):
    new = out_of_fold(4000, 2)
    pvalues = detector.null.pvalue(detector.score(new.ood_components), new.types, 1)
    for alpha in (0.05, 0.2, 0.5):
        assert (pvalues <= alpha).mean() == pytest.approx(alpha, abs=0.3 * alpha)


@pytest.mark.parametrize("component", range(4))
def test_a_cell_that_is_unlike_the_reference_in_any_component_is_found(detector, component):
    unlike = np.median(out_of_fold(100, 3).ood_components, 0)[None].copy()
    unlike[0, component] += 12 * detector.scale[component]
    assert detector.null.pvalue(detector.score(unlike), np.zeros(1, int), 1)[0] < 0.01


def test_the_score_of_a_cell_does_not_depend_on_the_others(detector):
    components = out_of_fold(50, 3).ood_components
    alone = [detector.score(components[i : i + 1])[0] for i in range(50)]
    np.testing.assert_array_equal(detector.score(components), alone)


def test_cells_that_nothing_scored_calibrate_nothing(detector):
    n = 2400
    cells = out_of_fold(n, 1, scored=np.arange(n) < 2000)
    cells.ood_components[:2000] = out_of_fold(2000, 1).ood_components
    cells.ood_components[2000:] = np.nan
    assert fit_detector(cells, neighbours(n), 2) == detector


def test_only_the_chosen_cells_calibrate():
    cells = out_of_fold(800, 1)
    chosen = cells.folds == 0
    cells.ood_components[~chosen] += 1000
    assert max(fit_detector(cells, neighbours(800), 2, chosen).location) < 10


def test_it_is_read_as_it_was_written(detector):
    assert Detector.from_json(asdict(detector)) == detector


def test_no_cells_are_no_error(detector):
    assert detector.score(np.empty((0, 4))).shape == (0,)


def test_the_score_is_the_sum_of_components_in_units_of_the_reference(detector):
    own = Detector([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0, 8.0], detector.null)
    assert own.score(np.array([[2.0, 4.0, 7.0, 12.0], [0.0, 0.0, -1.0, -4.0]])).tolist() == [4.0, -4.0]
