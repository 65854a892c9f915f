import numpy as np
import pytest
from small_reference import LABELS, N_GENES, make_store

from cellcohort.calibration import fit_temperature, probabilities
from cellcohort.direct import bin_levels, fit_direct, fit_mix, read_levels


def honest(n: int, seed: int):
    """Logits whose softmax is the truth's distribution, and labels drawn from it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, 4))
    cumulated = probabilities(logits, 1.0).cumsum(1)
    return logits, (rng.random((n, 1)) > cumulated).sum(1).clip(max=3)


@pytest.mark.parametrize("factor", [0.3, 1.0, 5.0])
def test_temperature_undoes_over_and_under_confidence(factor):
    logits, targets = honest(5000, 0)
    assert fit_temperature(logits * factor, targets) == pytest.approx(factor, rel=0.1)


def test_temperature_stays_finite_where_every_cell_is_right():
    assert 0 < fit_temperature(np.eye(4)[[0, 1, 2, 3]] * 20, np.arange(4)) < np.inf


def test_probabilities_sum_to_one_and_survive_large_logits():
    values = probabilities(np.array([[1e4, 0.0], [-1e4, 0.0]], np.float32), 0.5)
    np.testing.assert_allclose(values, [[1, 0], [0, 1]], atol=1e-12)


def test_the_mix_trusts_the_path_that_is_right_on_held_out_cells():
    logits, targets = honest(3000, 1)
    noise = np.random.default_rng(2).normal(0, 3, logits.shape)
    workspace, direct = fit_mix(noise.astype(np.float32), logits.astype(np.float32), targets).tolist()
    assert direct == pytest.approx(1, rel=0.15)
    assert workspace < 0.1


def test_the_direct_path_tells_types_apart(tmp_path):
    store = make_store(tmp_path / "tokens.arrow")
    train = np.flatnonzero(store.cells["split"] == "train")
    rows, levels = read_levels(store, train, n_genes=N_GENES, n_bins=50, seed=1)
    codes = np.searchsorted(LABELS, store.cells["label"].to_numpy()[rows])
    weight, bias = fit_direct(levels, codes, len(LABELS))
    held_out = np.flatnonzero(store.cells["split"] == "validation")
    logits = bin_levels(store.read(held_out), N_GENES, 50) @ weight + bias
    truth = store.cells["label"].to_numpy()[held_out]
    assert (np.array(LABELS)[logits.argmax(1)] == truth).mean() > 0.95
