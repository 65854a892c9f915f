"""A reference of three made-up types with its profiles and detector, and samples of its cells."""

from __future__ import annotations

import numpy as np
import pytest
from small_reference import LABELS, N_GENES, counts_of

from cellcohort.classifier.cross_fit import cross_fit
from cellcohort.classifier.type_profiles import fit_profiles
from cellcohort.model.tokens import scale_bins, tokenise
from cellcohort.ood.detector import fit_detector
from cellcohort.ood.neighbourhoods import nearest_in_groups


def bins_of(labels, seed, *, damage=0.0):
    """Scaled bins of cells; `damage` is the share of each cell's counts that are spread over all genes alike."""
    counts = counts_of(np.asarray(labels, object), seed=seed).toarray()
    rng = np.random.default_rng(seed)
    noise = rng.poisson(damage, counts.shape)
    kept = rng.binomial(counts.astype(int), 1 - damage)
    return scale_bins(tokenise(np.asarray(kept + noise, np.float32)), N_GENES, 50)


@pytest.fixture(scope="package")
def scaled_bins_of():
    """`bins_of`."""
    return bins_of


@pytest.fixture(scope="package")
def small_fit():
    """Profiles and detector of 900 reference cells."""
    labels = np.resize(np.array(LABELS, object), 900)
    codes, folds = np.searchsorted(LABELS, labels), np.arange(900) // 3 % 5
    scaled_bins = bins_of(labels, 0)
    out_of_fold, _ = cross_fit(scaled_bins, codes, folds, 3)
    detector = fit_detector(out_of_fold, nearest_in_groups(scaled_bins, folds), 3)
    return fit_profiles(scaled_bins, codes, 3), detector
