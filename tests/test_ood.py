import numpy as np
import pytest

from cellcohort.ood import MIN_CALIBRATION, Neighbours, fit_detector


def reference(n: int, seed: int):
    """Two types along two axes: vectors, logits that favour the right one, labels."""
    rng = np.random.default_rng(seed)
    labels = np.resize(np.array(["a", "b"], object), n)
    centre = np.where((labels == "a")[:, None], [5.0, 0, 0, 0], [0, 5.0, 0, 0])
    logits = np.column_stack([labels == "a", labels == "b"]) * 6.0 + rng.normal(0, 0.5, (n, 2))
    return (centre + rng.normal(0, 0.5, (n, 4))).astype(np.float32), logits, labels


@pytest.fixture(scope="module")
def fitted():
    vectors, _, labels = reference(400, 0)
    neighbours = Neighbours(vectors, labels)
    return neighbours, fit_detector(neighbours, *reference(600, 1))


def test_pvalues_of_new_reference_cells_are_uniform(fitted):
    neighbours, detector = fitted
    vectors, logits, labels = reference(4000, 2)
    pvalues = detector.pvalue(detector.score(neighbours, vectors, logits), labels)
    for alpha in (0.05, 0.2, 0.5):
        assert (pvalues <= alpha).mean() == pytest.approx(alpha, abs=0.4 * alpha)


@pytest.mark.parametrize(
    ("vector", "logits"),
    [([0, 0, 5, 0], [6, 0]), ([5, 0, 0, 0], [0.5, 0.5]), ([0, 0, 0, 5], [0, 0])],
    ids=["far but confident", "near without evidence", "both"],
)
def test_strange_cells_are_found_by_either_view(fitted, vector, logits):
    neighbours, detector = fitted
    score = detector.score(neighbours, np.array([vector], np.float32), np.array([logits], float))
    assert detector.pvalue(score, np.array(["a"], object))[0] < 0.05


def test_the_score_of_a_cell_does_not_depend_on_the_others(fitted):
    neighbours, detector = fitted
    vectors, logits, _ = reference(50, 3)
    together = detector.score(neighbours, vectors, logits)
    alone = [detector.score(neighbours, vectors[i : i + 1], logits[i : i + 1])[0] for i in range(50)]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_labels_with_few_held_out_cells_use_all_of_them():
    vectors, logits, labels = reference(2 * MIN_CALIBRATION, 1)
    labels[-1] = "rare"
    neighbours = Neighbours(vectors, labels)
    detector = fit_detector(neighbours, vectors, logits, labels)
    assert set(detector.calibration) == {"", "a"}
    scores = np.array([-1e9, 1e9])
    assert detector.pvalue(scores, np.array(["rare", "rare"])).tolist() == [1.0, 1 / (2 * MIN_CALIBRATION + 1)]


def test_origin_is_the_type_of_most_neighbours(fitted):
    neighbours, _ = fitted
    assert neighbours.origin(np.array([[3, 0.1, 1, 0], [0.1, 3, 0, 1]], np.float32)).tolist() == ["a", "b"]


def test_no_cells_are_no_error(fitted):
    neighbours, detector = fitted
    assert detector.score(neighbours, np.empty((0, 4), np.float32), np.empty((0, 2))).shape == (0,)
    assert neighbours.origin(np.empty((0, 4), np.float32)).shape == (0,)
