"""The additive workspace: its logits are a sum over genes and slots, and its start is a linear model."""

import dataclasses
from copy import deepcopy

import numpy as np
import pytest
import torch
from small_reference import LABELS, N_GENES, counts_of, make_store

from cellcohort.model import training
from cellcohort.model.additive import AdditiveConfig, AdditiveWorkspace
from cellcohort.model.additive_start import clusters, give_held_out_cells, take_held_out_cells
from cellcohort.model.inference import predict_tokens, run_batches, to_tensors
from cellcohort.model.linear import fit_linear
from cellcohort.model.presets import make_network, set_start
from cellcohort.model.reading import read_workspace
from cellcohort.model.tokens import Tokens, both_levels, tokenise
from cellcohort.model.training import TrainConfig, train

SIZES = AdditiveConfig(N_GENES, 3, d_model=32, n_slots=4)
CONFIG = TrainConfig(epochs=4, batch_size=32, learning_rate=3e-3)
CPU = torch.device("cpu")
SAME = torch.full((4,), 0.5)  # losses of held-out cells without any spread


def cells(n: int = 20, seed: int = 3) -> Tokens:
    return tokenise(counts_of(np.resize(np.array(LABELS, object), n), seed=seed))


@pytest.fixture(scope="module")
def model() -> AdditiveWorkspace:
    """A workspace whose every part says something."""
    torch.manual_seed(0)
    model = AdditiveWorkspace(SIZES)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    return model.eval()


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "tokens.arrow")


def run(store, checkpoint, config=CONFIG):
    trained = train(store, SIZES, config, device=CPU, checkpoint=checkpoint)
    return trained.model, trained.history


def test_contributions_of_genes_through_slots_add_up_to_the_logits(model):
    tensors = to_tensors(cells(), CPU, levels=True)
    output = model(*tensors)
    for label in range(3):
        weights = torch.eye(3)[label].expand(20, -1)
        parts = model.contributions(*tensors, assignment=output.assignment, labels=weights)
        torch.testing.assert_close(parts.sum((1, 2)), (output.logits - model.bias)[:, label], atol=1e-4, rtol=1e-4)
        assert parts[~tensors[2]].abs().max() == 0


def test_what_is_read_adds_up_to_the_contrast_of_the_logits(model):
    contrast = np.full((20, 3), -0.5)
    contrast[np.arange(20), np.resize([0, 1, 2], 20)] = 1
    (logits,) = predict_tokens(model, cells(), "logits")
    wanted = (contrast * (logits - model.bias.detach().numpy())).sum(1)
    for rows, batch, output in run_batches(model, cells()):
        reading = read_workspace(model, batch, output, contrast[rows])
        assert reading.exact
        sums = np.add.reduceat(reading.of_gene, batch.indptr[:-1])
        np.testing.assert_allclose(sums, wanted[rows], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(reading.by_slot.sum(1), reading.of_gene)


def test_slots_compete_for_genes(model):
    tensors = to_tensors(cells(), CPU, levels=True)
    assignment = model(*tensors).assignment
    torch.testing.assert_close(assignment.sum(2), torch.ones(assignment.shape[:2]))
    held = model(*tensors).embedding.unflatten(1, (4, -1)).sum(1)
    content, share = model._content(*tensors[:3])
    torch.testing.assert_close(held, (share * content).sum(1))  # what one slot holds, no other does


def test_the_cell_moves_the_assignment(model):
    alone, among = cells(2), cells(2)
    assignment = model(*to_tensors(alone, CPU, levels=True)).assignment
    genes = alone.pad(np.arange(2))[0]
    shared = np.intersect1d(*(among.genes[slice(*among.indptr[i : i + 2])] for i in range(2)))
    places = [np.searchsorted(genes[cell][: alone.lengths[cell]], shared[0]) for cell in range(2)]
    assert (assignment[0, places[0]] - assignment[1, places[1]]).abs().max() > 1e-3


@pytest.mark.parametrize("extra", [1, 17])
def test_padding_changes_nothing(model, extra):
    tensors = to_tensors(cells(), CPU, levels=True)
    longer = [torch.nn.functional.pad(x, (0, extra), value=v) for x, v in zip(tensors, (3, 50, False, 0), strict=True)]
    short, long = model(*tensors), model(*longer)
    torch.testing.assert_close(short.logits, long.logits, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(short.embedding, long.embedding, atol=1e-5, rtol=1e-5)


def test_a_cell_alone_is_read_as_among_others_in_any_order(model):
    tokens, order = cells(), np.random.default_rng(0).permutation(20)
    together = predict_tokens(model, tokens, "logits", "embedding")
    shuffled = predict_tokens(model, tokens.take(order), "logits", "embedding")
    for cell in (0, 7, 19):
        alone = predict_tokens(model, tokens.take(np.array([cell])), "logits", "embedding")
        for a, b, c in zip(alone, together, shuffled, strict=True):
            np.testing.assert_allclose(a[0], b[cell], atol=1e-4)
            np.testing.assert_allclose(c[order == cell][0], b[cell], atol=1e-4)


def test_a_cell_without_tokens_gets_the_bias(model):
    (logits,) = predict_tokens(model, cells(1).drop(np.zeros(cells(1).lengths.sum(), bool)), "logits")
    np.testing.assert_allclose(logits[0], model.bias.detach())


def test_the_start_is_a_linear_model_whatever_the_assignment(store):
    rows, tokens = np.flatnonzero(store.cells["split"] == "train"), cells()
    codes = np.searchsorted(LABELS, store.cells["label"].to_numpy(str))
    weight, bias = fit_linear(both_levels(store.read(rows), N_GENES, SIZES.n_bins), codes[rows], 3)
    started = make_network(SIZES)
    kept = set_start(started, store, rows, seed=1)
    np.testing.assert_array_equal(kept.weight, weight)
    linear = both_levels(tokens, N_GENES, SIZES.n_bins) @ weight + bias
    np.testing.assert_allclose(predict_tokens(started, tokens, "logits")[0], linear, atol=1e-4)
    with torch.no_grad():
        started.prior.weight.normal_()
    np.testing.assert_allclose(predict_tokens(started, tokens, "logits")[0], linear, atol=1e-4)


def test_held_out_cells_are_given_to_the_evidence_and_taken_away_again(store, model):
    codes, tokens = np.searchsorted(LABELS, store.cells["label"].to_numpy(str)), cells()
    linear = [
        fit_linear(both_levels(store.read(rows), N_GENES, SIZES.n_bins), codes[rows], 3)
        for rows in (np.arange(len(store)), np.flatnonzero(store.cells["split"] == "train"))
    ]
    given = deepcopy(model)
    models = give_held_out_cells(given, store, linear[1], seed=1)
    levels = both_levels(tokens, N_GENES, SIZES.n_bins)
    everything, training = (levels @ weight + bias for weight, bias in linear)
    assert np.abs(everything - training).max() > 1e-3
    started = make_network(SIZES)
    start = set_start(started, store, np.flatnonzero(store.cells["split"] == "train"), seed=1)
    give_held_out_cells(started, store, start, seed=1)
    np.testing.assert_allclose(predict_tokens(started, tokens, "logits")[0], everything, atol=1e-4)
    before, after = (predict_tokens(x, tokens, "logits")[0] for x in (model, given))
    assert np.abs(after - before).max() > 1e-3
    take_held_out_cells(given, models)
    np.testing.assert_allclose(predict_tokens(given, tokens, "logits")[0], before, atol=1e-4)


def test_genes_of_one_direction_share_a_slot_and_the_first_is_the_largest():
    rng = np.random.default_rng(0)
    direction = np.repeat([0, 1, 2], [5, 20, 10])
    found = clusters(np.eye(4)[direction] * rng.uniform(1, 3, (35, 1)), 3)
    assert [np.unique(found[direction == i]).tolist() for i in range(3)] == [[2], [0], [1]]


def test_the_start_is_kept_where_no_epoch_is_better(store, tmp_path, monkeypatch):
    losses = iter([0.5, 0.6, 0.7])
    record = {"validation_accuracy": 1.0, "validation_macro_f1": 1.0}
    monkeypatch.setattr(training, "_validate", lambda *_: (record | {"validation_loss": next(losses)}, SAME))
    model, history = run(store, tmp_path / "checkpoint.safetensors", dataclasses.replace(CONFIG, patience=2))
    assert history["epoch"].tolist() == [0, 1, 2]
    assert not model.vote.any()
    assert (model.gain == 1).all()


def test_an_epoch_that_is_better_is_kept(store, tmp_path, monkeypatch):
    losses = iter([0.5, 0.4, 0.6, 0.7])
    record = {"validation_accuracy": 1.0, "validation_macro_f1": 1.0}
    monkeypatch.setattr(training, "_validate", lambda *_: (record | {"validation_loss": next(losses)}, SAME))
    model, _ = run(store, tmp_path / "checkpoint.safetensors", dataclasses.replace(CONFIG, patience=2))
    assert model.vote.any()


def test_an_epoch_that_is_better_by_less_than_a_standard_error_is_not_kept(store, tmp_path, monkeypatch):
    losses = iter([0.5, 0.4, 0.45])
    record = {"validation_accuracy": 1.0, "validation_macro_f1": 1.0}
    spread = torch.tensor([0.1, 0.1, 0.9, 0.9])  # whose mean has a standard error of 0.2
    monkeypatch.setattr(training, "_validate", lambda *_: (record | {"validation_loss": next(losses)}, spread))
    model, _ = run(store, tmp_path / "checkpoint.safetensors", dataclasses.replace(CONFIG, patience=2))
    assert not model.vote.any()


def test_it_tells_new_cells_of_the_types_apart(store, tmp_path):
    model, history = run(store, tmp_path / "checkpoint.safetensors")
    truth = np.resize(np.array(LABELS), 60)
    (logits,) = predict_tokens(model, cells(60, seed=9), "logits")
    assert (np.array(LABELS)[logits.argmax(1)] == truth).mean() > 0.95
    assert history["validation_loss"].min() <= history["validation_loss"].iloc[0]


@pytest.mark.parametrize("after", [1, 3])
def test_training_that_was_killed_resumes_to_the_same_weights(store, tmp_path, monkeypatch, after):
    monkeypatch.setattr(training, "MAX_VALIDATION", 10)
    whole, history = run(store, tmp_path / "whole.safetensors")
    saved = training.save_checkpoint

    def killed(*args):
        saved(*args)
        if args[-1]["epoch"] == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "save_checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        run(store, tmp_path / "killed.safetensors")
    monkeypatch.setattr(training, "save_checkpoint", saved)
    resumed, resumed_history = run(store, tmp_path / "killed.safetensors")
    assert history.equals(resumed_history)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
