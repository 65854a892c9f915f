"""Which labels of a sample vouch for a technical shift, and when they count."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from cellcohort.classifier.type_profiles import Profiles
from cellcohort.ood.anchors import find_candidates
from cellcohort.ood.null import MIN_TAIL, Null

N_GENES, N_LABELS = 200, 4
LEVEL = np.random.default_rng(0).random((N_GENES, N_LABELS))
FOREIGN = np.random.default_rng(9).random(N_GENES)
PROFILES = Profiles(LEVEL, np.zeros(N_LABELS), LEVEL, LEVEL, np.full(N_GENES, 0.3))
NULL = Null([[0.0] * N_LABELS] * 10, [[1.0] * N_LABELS] * 10, [1.0] * 10, [[0.0, 5.0]] * N_LABELS, [100] * N_LABELS)


def find(sizes, *, foreign=None, apart=10.0, null=NULL):
    """Candidates in a sample of cells of these labels; `foreign` cells of each label are of one foreign type."""
    rng, foreign = np.random.default_rng(1), foreign or {}
    types, means, values = [], [], []
    for code, n in sizes.items():
        strange = foreign.get(code, 0)
        types += [code] * (n + strange)
        means += [LEVEL[:, code]] * n + [FOREIGN] * strange
        values += [*(2 + rng.normal(size=n)), *(2 + apart + rng.normal(size=strange))]
    bins = sparse.csr_matrix(np.array(means) + 0.2 * rng.normal(size=(len(types), N_GENES)))
    return find_candidates(np.array(values), np.array(types), bins, PROFILES, null, 1)


def test_labels_of_the_reference_anchor():
    candidates, count = find({0: 50, 1: 50, 2: 8, 3: 4})
    assert count
    assert {code: each.anchor for code, each in candidates.items()} == {0: True, 1: True, 2: True}  # 3 is too small
    assert candidates[0].location == pytest.approx(2, abs=0.4)
    assert (candidates[0].n_cells, candidates[0].share) == (50, 1.0)


def test_a_label_of_few_reference_cells_is_not_asked():
    few = replace(NULL, n_cells=[100, MIN_TAIL - 1, MIN_TAIL, 100])
    candidates, count = find({0: 50, 1: 50, 2: 50}, null=few)
    assert count
    assert sorted(candidates) == [0, 2]


def test_known_cells_below_a_foreign_population_are_found():
    candidates, count = find({0: 50, 1: 50, 2: 50}, foreign={0: 150})
    assert count
    assert candidates[0].anchor
    assert candidates[0].location == pytest.approx(2, abs=0.5)


def test_a_few_known_cells_of_a_foreign_population_do_not_make_it_an_anchor():
    candidates, _ = find({0: 12, 1: 50, 2: 50}, foreign={0: 300}, apart=2.0)
    assert not candidates[0].anchor
    assert candidates[1].anchor


def test_labels_of_one_foreign_population_anchor_nothing():
    candidates, count = find({0: 0, 1: 0, 2: 0}, foreign={0: 200, 1: 100, 2: 50})
    assert not count
    assert not any(each.anchor for each in candidates.values())


def test_one_small_anchor_beside_a_foreign_population_does_not_count():
    candidates, count = find({0: 0, 1: 12, 2: 2}, foreign={0: 60})
    assert candidates[1].anchor
    assert not candidates[0].anchor
    assert not count


def test_small_anchors_count_where_all_labels_together_keep_their_contrasts():
    candidates, count = find({0: 8, 1: 7, 2: 3, 3: 2})
    assert set(candidates) == {0, 1}
    assert count


def test_not_where_nearly_all_cells_are_of_one_label():
    candidates, count = find({0: 19, 1: 1})
    assert candidates[0].anchor
    assert not count


@pytest.mark.parametrize("sizes", [{}, {0: 50}])
def test_less_than_two_labels_have_no_contrast(sizes):
    if not sizes:
        nothing = np.empty(0), np.empty(0, int), sparse.csr_matrix((0, N_GENES))
        assert find_candidates(*nothing, PROFILES, NULL, 1) == ({}, False)
    else:
        assert find(sizes) == ({}, False)
