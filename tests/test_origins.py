import numpy as np
import pytest

from cellcohort.origins import Neighbours


@pytest.fixture
def neighbours():
    rng = np.random.default_rng(0)
    labels = np.resize(np.array(["a", "b"], object), 400)
    centre = np.where((labels == "a")[:, None], [5.0, 0, 0, 0], [0, 5.0, 0, 0])
    return Neighbours((centre + rng.normal(0, 0.5, (400, 4))).astype(np.float32), labels)


def test_origin_is_the_type_of_most_neighbours(neighbours):
    assert neighbours.origin(np.array([[3, 0.1, 1, 0], [0.1, 3, 0, 1]], np.float32)).tolist() == ["a", "b"]


def test_no_cells_are_no_error(neighbours):
    assert neighbours.origin(np.empty((0, 4), np.float32)).shape == (0,)
