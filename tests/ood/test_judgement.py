"""The decision of a sample: known cells of another study are excused, cells of an unknown type are not."""

from dataclasses import replace

import numpy as np
import pytest
from small_reference import LABELS

from cellcohort.ood import judgement
from cellcohort.ood.judgement import SampleCells, asked_cells, judge_in_memory, judge_sample
from cellcohort.ood.neighbourhoods import fit_axes

NAMES = np.array(LABELS, object)


def sample_of(small_fit, scaled_bins, order=None):
    """The cells, named by their place among the scaled bins, in this order."""
    profiles, detector = small_fit
    order = np.arange(scaled_bins.shape[0]) if order is None else order
    ids = np.array([f"c{i:05d}" for i in order], object)
    compared, asked = profiles.compare(scaled_bins[order]), asked_cells(ids)
    asked_bins = scaled_bins[order][asked]
    coordinates = fit_axes(asked_bins).project(scaled_bins[order])
    scores = detector.score(compared.ood_components)
    return SampleCells(ids, compared.types, scores, coordinates, np.zeros(len(ids), bool), asked, asked_bins)


def judge(small_fit, cells, shift="auto"):
    return judge_sample(*small_fit, LABELS, cells, shift=shift)


def test_a_sample_like_the_reference_needs_none(small_fit, scaled_bins_of):
    judged = judge(small_fit, sample_of(small_fit, scaled_bins_of(np.resize(NAMES, 600), 1)))
    assert abs(judged.shift.shift) < 1
    assert not judged.shift.in_doubt
    assert (judged.pvalues <= 0.05).mean() < 0.1


def test_known_cells_of_a_damaged_sample_are_excused_with_a_doubt(small_fit, scaled_bins_of):
    judged = judge(small_fit, sample_of(small_fit, scaled_bins_of(np.resize(NAMES, 600), 2, damage=0.5)))
    assert judged.shift.shift > small_fit[1].null.pooled_spread[0]
    assert judged.shift.in_doubt
    assert judged.shift.n_anchors == 3
    assert all(label["anchor"] for label in judged.shift.labels.values())
    assert (judged.pvalues <= 0.05).mean() < 0.1
    assert (judged.unshifted <= 0.05).mean() > 0.3


def test_no_shift_is_looked_for_when_it_is_off(small_fit, scaled_bins_of):
    cells = sample_of(small_fit, scaled_bins_of(np.resize(NAMES, 600), 2, damage=0.5))
    judged = judge(small_fit, cells, shift="off")
    np.testing.assert_array_equal(judged.pvalues, judge(small_fit, cells).unshifted)
    np.testing.assert_array_equal(judged.pvalues, judged.unshifted)
    assert (judged.shift.shift, judged.shift.n_anchors, judged.shift.in_doubt) == (0, 0, False)


def test_a_sample_that_tells_no_shift_is_in_doubt(small_fit, scaled_bins_of):
    judged = judge(small_fit, sample_of(small_fit, scaled_bins_of(np.resize(NAMES[:1], 200), 1)))
    assert (judged.shift.shift, judged.shift.n_anchors, judged.shift.in_doubt) == (0, 0, True)


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
def test_cells_of_an_unknown_type_are_not_excused_whatever_their_share(small_fit, scaled_bins_of, share):
    labels = np.where(np.arange(600) < share * 600, "unknown", np.resize(NAMES, 600)).astype(object)
    judged = judge(small_fit, sample_of(small_fit, scaled_bins_of(labels, 3)))
    assert (judged.pvalues[labels == "unknown"] <= 0.05).mean() > 0.7


@pytest.mark.parametrize("n_known", [0, 10, 30])
def test_two_labels_cannot_excuse_a_foreign_population(small_fit, scaled_bins_of, n_known):
    labels = np.array([*["unknown"] * 1200, *LABELS[:2] * n_known], object)
    bins = scaled_bins_of(labels, 4)
    types = small_fit[0].compare(bins).types
    chosen = np.flatnonzero((types != 2) | (labels != "unknown"))  # the unknown cells have two labels
    judged = judge(small_fit, sample_of(small_fit, bins[chosen]))
    assert (judged.pvalues[labels[chosen] == "unknown"] <= 0.05).mean() > 0.7


def test_one_known_label_alone_gets_no_shift(small_fit, scaled_bins_of):
    cells = sample_of(small_fit, scaled_bins_of(np.full(100, "alpha", object), 4, damage=0.5))
    chosen = cells.types == 0
    ids = cells.cell_ids[chosen]
    places = np.flatnonzero(chosen)
    cells = SampleCells(
        ids, cells.types[chosen], cells.scores[chosen], cells.coordinates[chosen], cells.barred[chosen],
        np.arange(len(ids)), cells.asked_bins[places],
    )  # fmt: skip
    assert judge(small_fit, cells).shift.shift == 0


def test_barred_cells_never_anchor_and_are_never_excused(small_fit, scaled_bins_of):
    cells = sample_of(small_fit, scaled_bins_of(np.resize(NAMES, 600), 2, damage=0.5))
    free = judge(small_fit, cells)
    every = judge(small_fit, replace(cells, barred=np.ones(600, bool)))
    assert every.shift.labels == {}
    np.testing.assert_array_equal(every.pvalues, free.unshifted)
    alpha = judge(small_fit, replace(cells, barred=cells.types == 0))
    assert {name for name, label in alpha.shift.labels.items() if label["anchor"]} == {"beta", "delta"}
    np.testing.assert_array_equal(alpha.pvalues[cells.types == 0], free.unshifted[cells.types == 0])
    assert (alpha.pvalues[cells.types == 1] > free.unshifted[cells.types == 1]).mean() > 0.9


def test_a_negative_shift_is_taken_off_barred_cells_too(small_fit, scaled_bins_of):
    cells = sample_of(small_fit, scaled_bins_of(np.resize(NAMES, 600), 1))
    cells = replace(cells, scores=cells.scores - 3)
    barred = np.arange(600) % 5 == 0
    judged = judge(small_fit, replace(cells, barred=barred))
    assert judged.shift.shift < -2
    assert (judged.pvalues[barred] <= judged.unshifted[barred]).all()


@pytest.mark.parametrize("most", [10_000, 200])
def test_order_does_not_matter(small_fit, scaled_bins_of, monkeypatch, most):
    monkeypatch.setattr(judgement, "MAX_ASKED", most)
    bins, order = scaled_bins_of(np.resize(NAMES, 600), 5, damage=0.5), np.random.default_rng(0).permutation(600)
    expected = judge(small_fit, sample_of(small_fit, bins))
    shuffled = judge(small_fit, sample_of(small_fit, bins, order))
    assert shuffled.shift == expected.shift
    np.testing.assert_array_equal(shuffled.pvalues, expected.pvalues[order])


def test_a_few_cells_stand_for_a_large_sample(monkeypatch):
    monkeypatch.setattr(judgement, "MAX_ASKED", 10)
    ids = np.array([f"c{i:02d}" for i in range(50)], object)
    chosen = ids[asked_cells(ids)]
    assert len(set(chosen)) == 10
    assert chosen.tolist() == sorted(chosen)
    assert ids[::-1][asked_cells(ids[::-1])].tolist() == chosen.tolist()


@pytest.mark.parametrize("n", [0, 1, 4, 9])
def test_samples_of_few_cells(small_fit, scaled_bins_of, n):
    bins = scaled_bins_of(np.resize(NAMES, n), 6)
    profiles, detector = small_fit
    judged = judge_in_memory(profiles, detector, LABELS, profiles.compare(bins), bins, np.arange(n).astype(str))
    assert judged.pvalues.shape == (n,)
    assert judged.shift.shift == 0
