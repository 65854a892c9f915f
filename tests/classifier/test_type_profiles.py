import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from small_reference import LABELS, N_GENES, counts_of

from cellcohort.classifier.cross_fit import assign_folds, cross_fit
from cellcohort.classifier.type_profiles import OOD_COMPONENTS, fit_profiles
from cellcohort.model.tokens import scale_bins, tokenise

LABELS_OF_CELLS = np.resize(np.array(LABELS, object), 600)
CODES = np.searchsorted(LABELS, LABELS_OF_CELLS)


def scaled_bins_of(labels, *, seed):
    return scale_bins(tokenise(counts_of(labels, seed=seed)), N_GENES, 50)


@pytest.fixture(scope="module")
def scaled_bins():
    return scaled_bins_of(LABELS_OF_CELLS, seed=0)


@pytest.fixture(scope="module")
def profiles(scaled_bins):
    return fit_profiles(scaled_bins, CODES, 3)


def test_known_types_are_recognised(profiles):
    cells = profiles.compare(scaled_bins_of(LABELS_OF_CELLS, seed=1))
    assert (cells.types == CODES).mean() > 0.95
    assert (cells.origins == CODES).mean() > 0.95
    assert cells.ood_components.shape == (600, len(OOD_COMPONENTS))


@pytest.mark.parametrize("component", range(len(OOD_COMPONENTS)), ids=OOD_COMPONENTS)
def test_every_component_finds_an_unknown_type(profiles, component):
    labels = np.array(["alpha"] * 200 + ["unknown"] * 200, object)
    scores = profiles.compare(scaled_bins_of(labels, seed=2)).ood_components[:, component]
    assert roc_auc_score(labels == "unknown", scores) > 0.85


def test_depth_alone_makes_no_cell_atypical():
    rng = np.random.default_rng(0)
    odds = rng.normal(-1, 1.5, (2, 400))
    codes = np.resize([0, 1], 2000)

    def draw(depth):
        return sparse.csr_matrix((rng.random((2000, 400)) < expit(odds[codes] + depth)).astype(np.float32))

    fitted = fit_profiles(draw(0), codes, 2)
    for depth in (-1.5, 0, 1.5):
        assert fitted.compare(draw(depth)).ood_components[:, 1].mean() == pytest.approx(0, abs=0.3)


def test_atypicality_of_cells_of_the_model_is_standard_normal():
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.02, 0.9, (2, 400))
    codes = np.resize([0, 1], 4000)
    on = sparse.csr_matrix((rng.random((4000, 400)) < chance[codes]).astype(np.float32))
    atypical = fit_profiles(on, codes, 2).compare(on).ood_components[:, 1]
    assert atypical.mean() == pytest.approx(0, abs=0.1)
    assert atypical.std() == pytest.approx(1, abs=0.1)


def test_the_origin_of_mixed_cells_is_their_nearer_parent(profiles):
    labels = np.array(["beta"] * 200, object)
    mixed = counts_of(labels, seed=4) + counts_of(np.array(["unknown"] * 200, object), seed=5)
    cells = profiles.compare(scale_bins(tokenise(mixed.tocsr()), N_GENES, 50))
    assert (cells.origins == LABELS.index("beta")).mean() > 0.9
    assert (cells.margins >= 0).all()


def test_a_cell_without_genes_has_finite_components(profiles):
    assert np.isfinite(profiles.compare(sparse.csr_matrix((1, N_GENES), dtype=np.float32)).ood_components).all()


def test_no_cell_is_of_a_type_without_cells(scaled_bins):
    known = CODES != 1
    cells = fit_profiles(scaled_bins[known], CODES[known], 3).compare(scaled_bins)
    assert not (cells.types == 1).any()
    assert not (cells.origins == 1).any()


def test_no_cells_are_no_error(profiles):
    assert profiles.compare(sparse.csr_matrix((0, N_GENES), dtype=np.float32)).ood_components.shape == (0, 4)


def test_cells_are_scored_by_the_other_folds(scaled_bins):
    folds = np.arange(600) // 3 % 3
    out_of_fold, _ = cross_fit(scaled_bins, CODES, folds, 3)
    without = fit_profiles(scaled_bins[folds != 1], CODES[folds != 1], 3)
    compared = without.compare(scaled_bins[folds == 1])
    np.testing.assert_allclose(out_of_fold.ood_components[folds == 1], compared.ood_components)
    assert out_of_fold.scored.all()


def test_a_type_of_one_fold_is_not_scored_there(scaled_bins):
    folds = np.where(CODES == 2, 0, np.arange(600) // 3 % 3)
    out_of_fold, _ = cross_fit(scaled_bins, CODES, folds, 3)
    assert (out_of_fold.scored == (CODES != 2)).all()


def test_folds_keep_donors_together(bundle_store):
    cells = bundle_store.cells
    folds = assign_folds(cells, seed=1)
    assert (folds[cells["split"] == "validation"] == 0).all()
    assert cells.assign(fold=folds).groupby("donor")["fold"].nunique().max() == 1


def test_folds_do_not_depend_on_the_order_of_cells(bundle_store):
    cells = bundle_store.cells.assign(donor=None)
    order = np.random.default_rng(0).permutation(len(cells))
    shuffled = assign_folds(cells.iloc[order].reset_index(drop=True), seed=1)
    np.testing.assert_array_equal(shuffled, assign_folds(cells, seed=1)[order])
    assert set(shuffled) == set(range(5))


@pytest.fixture(scope="module")
def bundle_store(tmp_path_factory):
    from small_reference import make_store

    return make_store(tmp_path_factory.mktemp("store") / "tokens.arrow")
