"""Origins that fit: cells of a type's own genes, apart from the other types."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cellcohort.classifier.own_genes import OwnGenes
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


def share_kept(profiles, on, label, measured=ALL):
    """What the cells keep of the type's own genes."""
    profiles = profiles.without(np.setdiff1d(ALL, measured))
    kept, expected = OwnGenes(profiles, measured).kept(on, np.full(on.shape[0], label))
    return kept.sum() / expected.sum()


def on_genes(chance, n_cells, seed):
    return draw(chance, n_cells, seed).astype(bool).astype(float)


def test_own_genes_are_those_that_the_others_lack(profiles):
    for code in range(N_TYPES):
        assert set(OwnGenes(profiles, ALL).genes(code)) <= set(range(OWN * code, OWN * (code + 1)))


@pytest.mark.parametrize("depth", [1.0, 0.4])
@pytest.mark.parametrize("kept", [1.0, 0.0])
def test_what_is_kept_is_measured_whatever_the_depth(profiles, kept, depth):
    assert share_kept(profiles, on_genes(chances(kept)[0] * depth, 200, 1), 0) == pytest.approx(kept, abs=0.2)


def test_genes_that_a_file_lacks_are_not_lost(profiles):
    measured = np.setdiff1d(ALL, np.arange(0, OWN, 2))
    on = sparse.csr_matrix(on_genes(chances()[0], 200, 1).multiply(np.isin(ALL, measured)))
    on.eliminate_zeros()
    assert share_kept(profiles, on, 0, measured) == pytest.approx(1, abs=0.12)


def test_cells_of_another_type_keep_nothing(profiles):
    on = on_genes(chances()[1], 200, 1)
    assert share_kept(profiles, on, 1) == pytest.approx(1, abs=0.1)
    assert share_kept(profiles, on, 0) == pytest.approx(0, abs=0.1)


def test_each_cell_is_held_against_its_own_type(profiles):
    on = sparse.vstack([on_genes(chances()[code], 60, code) for code in (0, 2)], format="csr")
    labels, own = np.repeat([0, 2], 60), OwnGenes(profiles, ALL)
    together = np.array(own.kept(on, labels))
    alone = np.hstack([own.kept(on[labels == code], np.full(60, code)) for code in (0, 2)])
    np.testing.assert_allclose(together, alone)
    assert own.kept(on[:0], labels[:0])[0].shape == (0,)


def test_an_origin_fits_the_cells_that_keep_its_genes_and_are_clearly_nearest_to_it():
    origins, margins = np.repeat([4, 1, 2], 60), np.repeat([LEAST_MARGIN, LEAST_MARGIN, LEAST_MARGIN - 0.1], 60)
    kept, expected = np.repeat([9.0, 2.0, 9.0], 60), np.full(180, 10.0)
    assert fitting_origins(origins, margins, kept, expected).tolist() == [True] * 60 + [False] * 120
    assert 0.2 < LEAST_KEPT < 0.9


def test_a_few_strange_cells_do_not_decide_for_their_origin():
    kept = np.array([-3.0, 9.0, 9.0, 9.0])
    assert fitting_origins(np.zeros(4, int), np.full(4, 2.0), kept, np.full(4, 10.0)).all()


def test_types_without_cells_are_not_among_the_others():
    codes = np.arange(900) % N_TYPES
    bins = draw(chances()[codes], 900).astype(np.float32)
    known, wider = fit_profiles(bins, codes, N_TYPES), fit_profiles(bins, codes, N_TYPES + 1)
    on = on_genes(chances(0.5)[0], 50, 3)
    assert share_kept(wider, on, 0) == pytest.approx(share_kept(known, on, 0), abs=1e-6)
