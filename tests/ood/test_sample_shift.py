"""The technical shift of a sample: granted to known cells of another study, not to cells of an unknown type."""

import numpy as np
import pytest
from small_reference import LABELS, N_GENES, counts_of

from cellcohort.classifier.cross_fit import cross_fit
from cellcohort.classifier.type_profiles import fit_profiles
from cellcohort.model.tokens import scale_bins, tokenise
from cellcohort.ood.detector import fit_detector
from cellcohort.ood.sample_shift import ShiftEstimator

NAMES = np.array(LABELS, object)


def scaled_bins_of(labels, seed, *, damage=0.0):
    """Scaled bins of cells; `damage` is the share of each cell's counts that are spread over all genes alike."""
    counts = counts_of(labels, seed=seed).toarray()
    rng = np.random.default_rng(seed)
    noise = rng.poisson(damage, counts.shape)
    kept = rng.binomial(counts.astype(int), 1 - damage)
    return scale_bins(tokenise(np.asarray(kept + noise, np.float32)), N_GENES, 50)


@pytest.fixture(scope="module")
def reference():
    labels = np.resize(NAMES, 900)
    codes = np.searchsorted(LABELS, labels)
    scaled_bins = scaled_bins_of(labels, 0)
    out_of_fold, _ = cross_fit(scaled_bins, codes, np.arange(900) // 3 % 5, 3)
    return fit_profiles(scaled_bins, codes, 3), fit_detector(out_of_fold, NAMES)


def score(reference, scaled_bins, *, chunk=10_000, order=None):
    """Shift and p-values of a sample."""
    profiles, detector = reference
    ids = np.array([f"c{i:04d}" for i in range(scaled_bins.shape[0])], object)
    order = np.arange(len(ids)) if order is None else order
    cells = profiles.compare(scaled_bins)
    codes, scores = cells.types, detector.score(cells.ood_components)
    estimator = ShiftEstimator(profiles, detector, LABELS)
    for start in range(0, len(ids), chunk):
        part = order[start : start + chunk]
        estimator.add(ids[part], codes[part], scores[part], scaled_bins[part])
    shift = estimator.estimate(codes[order], scores[order])
    return shift, detector.pvalue(scores - shift.shift, NAMES[codes])


def test_a_sample_like_the_reference_has_next_to_none(reference):
    shift, pvalues = score(reference, scaled_bins_of(np.resize(NAMES, 600), 1))
    assert shift.shift < 1
    assert (pvalues <= 0.05).mean() < 0.1


def test_known_cells_of_a_damaged_sample_are_excused(reference):
    scaled_bins = scaled_bins_of(np.resize(NAMES, 600), 2, damage=0.5)
    shift, pvalues = score(reference, scaled_bins)
    assert shift.shift > 1
    assert all(label["anchor"] for label in shift.labels.values())
    cells = reference[0].compare(scaled_bins)
    unadjusted = reference[1].pvalue(reference[1].score(cells.ood_components), NAMES[cells.types])
    assert (pvalues <= 0.05).mean() < 0.8 * (unadjusted <= 0.05).mean()


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
def test_cells_of_an_unknown_type_are_not_excused_whatever_their_share(reference, share):
    labels = np.where(np.arange(600) < share * 600, "unknown", np.resize(NAMES, 600)).astype(object)
    _, pvalues = score(reference, scaled_bins_of(labels, 3))
    assert (pvalues[labels == "unknown"] <= 0.05).mean() > 0.7


def test_one_known_label_alone_gets_no_shift(reference):
    assert score(reference, scaled_bins_of(np.full(100, "alpha", object), 4, damage=0.5))[0].shift == 0


def test_order_and_chunks_do_not_matter(reference):
    scaled_bins = scaled_bins_of(np.resize(NAMES, 300), 5, damage=0.5)
    expected = score(reference, scaled_bins)[0]
    order = np.random.default_rng(0).permutation(300)
    shuffled = score(reference, scaled_bins, chunk=17, order=order)[0]
    assert shuffled.shift == pytest.approx(expected.shift, abs=1e-9)
    for label, values in expected.labels.items():
        assert shuffled.labels[label]["contrast"] == pytest.approx(values["contrast"], abs=1e-6)


def test_a_sample_without_cells(reference):
    assert score(reference, scaled_bins_of(np.empty(0, object), 6))[0].shift == 0
