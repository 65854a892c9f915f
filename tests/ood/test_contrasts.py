import numpy as np
import pytest
from scipy import sparse

from cellcohort.ood.contrasts import Contrasts, together

N_GENES = 200
LEVEL = np.random.default_rng(0).random((N_GENES, 3))
DEVIATION = np.full(N_GENES, 0.3)


def groups(n, *, level=LEVEL, noise=0.2, seed=1):
    rng = np.random.default_rng(seed)
    return {
        code: sparse.csr_matrix(level[:, code] + noise * rng.normal(size=(n, N_GENES)))
        for code in range(level.shape[1])
    }


def kept(cells):
    contrasts = Contrasts(cells, LEVEL, DEVIATION)
    return [contrasts.of(code, cells).kept for code in cells]


@pytest.mark.parametrize("n", [5, 100])
def test_cells_of_the_types_keep_their_contrasts_however_few(n):
    assert min(kept(groups(n))) > 0.85


def test_without_the_correction_five_noisy_cells_would_keep_less():
    cells = groups(5, noise=0.8)
    contrasts = Contrasts(cells, LEVEL, DEVIATION)
    raw = []
    for code in cells:
        one = contrasts.of(code, cells)
        raw.append(one.product / np.sqrt((one.here + contrasts.noise * (1 / 5 + 2 / 5 / 4)) * one.there))
    assert min(kept(cells)) > 0.75
    assert max(raw) < 0.72


def test_a_technical_factor_common_to_all_changes_little():
    shift = np.random.default_rng(3).random(N_GENES)
    assert min(kept(groups(50, level=LEVEL + shift[:, None]))) > 0.85


def test_cells_of_one_unknown_type_keep_none():
    unknown = np.tile(np.random.default_rng(4).random((N_GENES, 1)), 3)
    assert max(kept(groups(50, level=unknown))) < 0.2


def test_a_contrast_of_half_the_size_is_kept_by_half():
    middle = LEVEL.mean(1, keepdims=True)
    assert kept(groups(200, level=middle + 0.5 * (LEVEL - middle), noise=0.05)) == pytest.approx([0.5] * 3, abs=0.02)


def test_a_label_of_one_cell_can_be_compared_with():
    cells = groups(20)
    cells[2] = cells[2][:1]
    assert min(kept(cells)) > 0.7


def test_labels_as_one_have_the_weight_of_their_cells():
    cells = groups(50)
    cells[0] = sparse.csr_matrix(cells[0].toarray() * 0 + 0.5)
    contrasts = Contrasts(cells, LEVEL, DEVIATION)
    each = {code: contrasts.of(code, cells) for code in cells}
    values = [together(each, {0: n, 1: 10, 2: 10}) for n in (1000, 10, 0)]
    assert values == sorted(values)
    assert together(each, {0: 1, 1: 0, 2: 0}) == pytest.approx(each[0].kept)
