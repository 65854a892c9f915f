"""Origins that fit: cells of a type's own genes, apart from the other types."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cellcohort.classifier.own_genes import own_genes, own_genes_kept
from cellcohort.classifier.type_profiles import fit_profiles
from cellcohort.ood.fitting_origins import LEAST_KEPT, LEAST_MARGIN, fitting_origins

N_GENES, N_TYPES, OWN = 300, 3, 60
ALL = np.arange(N_GENES)


def chances(kept: float = 1.0) -> np.ndarray:
    """How often each type has each gene: `OWN` genes of its own, so far as they are kept, all others alike."""
    chance = np.full((N_TYPES, N_GENES), 0.05)
    for code in range(N_TYPES):
        chance[code, OWN * code : OWN * (code + 1)] += 0.3 * kept
    return chance


def draw(chance: np.ndarray, n_cells: int, seed: int = 0) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix((rng.random((n_cells, N_GENES)) < chance) * rng.random((n_cells, N_GENES)), dtype=float)


@pytest.fixture(scope="module")
def profiles():
    codes = np.arange(900) % N_TYPES
    return fit_profiles(draw(chances()[codes], 900).astype(np.float32), codes, N_TYPES)


def test_own_genes_are_those_that_the_others_lack(profiles):
    for code in range(N_TYPES):
        assert set(own_genes(profiles, code, ALL)) <= set(range(OWN * code, OWN * (code + 1)))


@pytest.mark.parametrize("depth", [1.0, 0.4])
@pytest.mark.parametrize("kept", [1.0, 0.0])
def test_what_is_kept_is_measured_whatever_the_depth(profiles, kept, depth):
    on = draw(chances(kept)[0] * depth, 200, seed=1).astype(bool).astype(float)
    assert own_genes_kept(profiles, on, 0, ALL) == pytest.approx(kept, abs=0.2)


def test_genes_that_a_file_lacks_are_not_lost(profiles):
    measured = np.setdiff1d(ALL, np.arange(0, OWN, 2))
    on = draw(chances()[0], 200, seed=1).astype(bool).astype(float)
    on = sparse.csr_matrix(on.multiply(np.isin(ALL, measured)))
    on.eliminate_zeros()
    assert own_genes_kept(profiles, on, 0, measured) == pytest.approx(1, abs=0.12)


def test_cells_of_another_type_keep_nothing(profiles):
    on = draw(chances()[1], 200, seed=1).astype(bool).astype(float)
    assert own_genes_kept(profiles, on, 1, ALL) == pytest.approx(1, abs=0.1)
    assert own_genes_kept(profiles, on, 0, ALL) == pytest.approx(0, abs=0.1)


def test_an_origin_fits_the_cells_that_keep_its_genes_and_are_clearly_nearest_to_it(profiles):
    blocks = [chances(0.9)[0], chances(0.2)[1], chances(0.9)[2]]
    bins = sparse.vstack([draw(chance, 60, seed=2) for chance in blocks], format="csr")
    origins, margins = np.repeat([0, 1, 2], 60), np.repeat([LEAST_MARGIN, LEAST_MARGIN, LEAST_MARGIN - 0.1], 60)
    assert fitting_origins(profiles, bins, origins, margins, ALL).tolist() == [True, False, False]
    assert 0.2 < LEAST_KEPT < 0.9


def test_a_type_of_which_no_cell_was_asked_is_not_judged(profiles):
    none = np.empty(0, int)
    assert fitting_origins(profiles, draw(chances()[0], 0), none, np.empty(0), ALL).all()


def test_types_without_cells_are_not_among_the_others():
    codes = np.arange(900) % N_TYPES
    bins = draw(chances()[codes], 900).astype(np.float32)
    known, wider = fit_profiles(bins, codes, N_TYPES), fit_profiles(bins, codes, N_TYPES + 1)
    on = draw(chances(0.5)[0], 50, seed=3).astype(bool).astype(float)
    assert own_genes_kept(wider, on, 0, ALL) == pytest.approx(own_genes_kept(known, on, 0, ALL), abs=1e-6)
