import numpy as np
import pytest
from small_reference import LABELS, N_GENES, counts_of, make_store

from cellcohort.classifier.ensemble import fit_weights, probabilities
from cellcohort.classifier.platform_simulation import GENE_EFFECT, LOST_GENES, simulate_platform
from cellcohort.model.linear import fit_linear
from cellcohort.model.temperature import fit_size
from cellcohort.model.tokens import scale_bins, tokenise


def honest(n: int, seed: int):
    """Logits whose softmax is the truth's distribution, and labels drawn from it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, 4))
    cumulated = probabilities(logits[None], [1.0]).cumsum(1)
    return logits, (rng.random((n, 1)) > cumulated).sum(1).clip(max=3)


@pytest.mark.parametrize("factor", [0.3, 1.0, 5.0])
def test_one_weight_undoes_over_and_under_confidence(factor):
    logits, targets = honest(5000, 0)
    assert fit_size(logits * factor, targets) == pytest.approx(1 / factor, rel=0.1)


def test_weights_stay_finite_where_every_cell_is_right():
    assert 0 < fit_weights((np.eye(4) * 20)[None], np.arange(4))[0] < np.inf
    assert 0 < fit_size(np.eye(4) * 20, np.arange(4)) < np.inf


def test_a_member_that_does_not_help_is_dropped_and_one_is_always_left():
    logits, targets = honest(3000, 1)
    wrong = np.random.default_rng(2).normal(0, 3, logits.shape) - logits
    weights = fit_weights(np.stack([logits, wrong, logits + 1]), targets)
    assert weights[1] == 0
    assert weights[0] + weights[2] == pytest.approx(1, rel=0.1)
    assert (fit_weights(-20 * logits[None], targets) > 0).all()


def test_probabilities_sum_to_one_and_survive_large_logits():
    values = probabilities(np.array([[[1e4, 0.0], [-1e4, 0.0]]], np.float32), [2.0])
    np.testing.assert_allclose(values, [[1, 0], [0, 1]], atol=1e-12)


def test_the_weights_favour_the_member_that_is_right_on_held_out_cells():
    logits, targets = honest(3000, 1)
    noise = np.random.default_rng(2).normal(0, 3, logits.shape)
    wrong, right = fit_weights(np.stack([noise, logits]), targets)
    assert right == pytest.approx(1, rel=0.15)
    assert wrong < 0.1


def test_the_linear_model_tells_types_apart(tmp_path):
    store = make_store(tmp_path / "tokens.arrow")
    train, held_out = (np.flatnonzero(store.cells["split"] == split) for split in ("train", "validation"))
    codes = np.searchsorted(LABELS, store.cells["label"])
    weight, bias = fit_linear(scale_bins(store.read(train), N_GENES, 50), codes[train], len(LABELS))
    logits = scale_bins(store.read(held_out), N_GENES, 50) @ weight + bias
    assert (logits.argmax(1) == codes[held_out]).mean() > 0.95


def test_another_platform_changes_genes_of_all_cells_alike():
    tokens = tokenise(counts_of(np.resize(LABELS, 300), seed=0))
    simulated = simulate_platform(tokens, n_genes=N_GENES, n_bins=50, seed=3)
    before, after = (scale_bins(x, N_GENES, 50).toarray() for x in (tokens, simulated))
    lost = (before > 0).any(0) & ~(after > 0).any(0)
    assert 0 < lost.mean() < 2 * LOST_GENES
    np.testing.assert_array_equal((after > 0)[:, ~lost], (before > 0)[:, ~lost])
    change = np.log(after.sum(0)[~lost] / before.sum(0)[~lost])
    assert 0.1 * GENE_EFFECT < change.std() < 2 * GENE_EFFECT
    again = simulate_platform(tokens.take(np.array([5])), n_genes=N_GENES, n_bins=50, seed=3)
    np.testing.assert_array_equal(scale_bins(again, N_GENES, 50).toarray()[0], after[5])
