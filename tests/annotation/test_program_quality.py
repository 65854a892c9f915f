import numpy as np

from cellcohort.annotation.program_quality import specificity


def test_specificity_is_shared_among_the_labels_that_a_slot_speaks_for():
    said = np.array([[3.0, -1.0, -1.0], [1.0, 2.0, 0.0], [-2.0, 0.0, -1.0]])
    np.testing.assert_allclose(specificity(said), [[0.75, 0, 0], [0.25, 1, 0], [0, 0, 0]])
