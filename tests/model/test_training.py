import dataclasses

import numpy as np
import pytest
import torch
from small_reference import LABELS, N_GENES, counts_of, make_store

from cellcohort.model import training
from cellcohort.model.batches import prefetch, training_batches
from cellcohort.model.inference import predict_tokens
from cellcohort.model.network import ModelConfig
from cellcohort.model.tokens import tokenise
from cellcohort.model.training import TrainConfig, batch_size, label_weights, schedule, train

SIZES = ModelConfig(N_GENES, 3, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=2, broadcast="cls")
CONFIG = TrainConfig(epochs=4, batch_size=32, learning_rate=3e-3)
CPU = torch.device("cpu")
SAME = torch.full((4,), 0.5)  # losses of held-out cells without any spread


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "tokens.arrow")


def run(store, checkpoint, config=CONFIG):
    trained = train(store, SIZES, config, device=CPU, checkpoint=checkpoint)
    return trained.model, trained.history


def assert_same_weights(a, b):
    assert a.state_dict().keys() == b.state_dict().keys()
    for name, value in a.state_dict().items():
        assert torch.equal(value, b.state_dict()[name]), name


def test_it_learns_types_that_it_can_tell(store, tmp_path):
    model, history = run(store, tmp_path / "checkpoint.safetensors", dataclasses.replace(CONFIG, epochs=20))
    truth = np.resize(np.array(LABELS), 60)
    (logits,) = predict_tokens(model, tokenise(counts_of(truth, seed=9)), "logits")
    assert (np.array(LABELS)[logits.argmax(1)] == truth).mean() > 0.95
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0] / 2
    assert history["epoch"].tolist() == list(range(1, len(history) + 1))


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(store, tmp_path):
    first, _ = run(store, tmp_path / "a.safetensors")
    again, _ = run(store, tmp_path / "b.safetensors")
    assert_same_weights(first, again)
    other, _ = run(store, tmp_path / "c.safetensors", dataclasses.replace(CONFIG, seed=2))
    assert not torch.equal(first.head.weight, other.head.weight)


@pytest.mark.parametrize("after", [1, 3])
def test_training_that_was_killed_resumes_to_the_same_weights(store, tmp_path, monkeypatch, after):
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
    assert_same_weights(whole, resumed)
    assert history.equals(resumed_history)


def test_a_checkpoint_of_other_settings_is_not_used(store, tmp_path):
    checkpoint = tmp_path / "checkpoint.safetensors"
    run(store, checkpoint)
    changed = dataclasses.replace(CONFIG, learning_rate=1e-3)
    after_other, _ = run(store, checkpoint, changed)
    fresh, _ = run(store, tmp_path / "fresh.safetensors", changed)
    assert_same_weights(after_other, fresh)


def test_training_stops_when_validation_no_longer_improves(store, tmp_path, monkeypatch):
    losses = iter([1.0, 0.5, 0.6, 0.7, 0.1])
    record = {"validation_accuracy": 1.0, "validation_macro_f1": 1.0}
    monkeypatch.setattr(training, "_validate", lambda *_: (record | {"validation_loss": next(losses)}, SAME))
    config = dataclasses.replace(CONFIG, epochs=10, patience=2)
    _, history = run(store, tmp_path / "checkpoint.safetensors", config)
    assert history["validation_loss"].tolist() == [1.0, 0.5, 0.6, 0.7]


def test_label_weights_balance_types_within_a_bound():
    weights = label_weights(np.repeat([0, 1, 2], [1000, 100, 1]), 3).numpy()
    assert weights[1] / weights[0] == pytest.approx(10)
    assert weights[2] / weights[1] < 10  # one cell does not outweigh a type
    assert (weights * [1000, 100, 1]).sum() / 1101 == pytest.approx(1)


def test_schedule_warms_up_and_ends_at_zero():
    assert schedule(1, 1000) < 0.02
    assert schedule(training.WARM_UP_STEPS, 10**6) == pytest.approx(1, abs=1e-6)
    assert schedule(1000, 1000) == pytest.approx(0)


@pytest.mark.parametrize(("n_cells", "expected"), [(100, 16), (960, 30), (10**6, 128)])
def test_a_small_reference_takes_smaller_steps(n_cells, expected):
    assert batch_size(128, n_cells) == expected


def test_prefetched_batches_are_the_same_and_errors_arrive():
    assert list(prefetch(iter(range(10)))) == list(range(10))
    assert list(prefetch([])) == []

    def broken():
        yield 1
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        list(prefetch(broken()))


def first_run(store, tmp_path, seed):
    """A run at its start."""
    config = dataclasses.replace(CONFIG, seed=seed)
    return training._set_up(store, SIZES, config, device=CPU, checkpoint=tmp_path / f"{seed}.safetensors")


def test_the_seed_decides_the_first_weights(store, tmp_path):
    first, again, other = (first_run(store, tmp_path, seed).model for seed in (1, 1, 2))
    assert_same_weights(first, again)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_the_seed_and_the_epoch_decide_the_batches(store):
    rows = np.flatnonzero(store.cells["split"] == "train")

    def cells(*seed):
        return [part.tolist() for part, _ in training_batches(store, rows, 32, seed)]

    assert cells(1, 1) == cells(1, 1)
    assert sorted(np.concatenate(cells(1, 1))) == rows.tolist()
    assert cells(1, 1) != cells(2, 1)
    assert cells(1, 1) != cells(1, 2)


@pytest.fixture
def asked(store, tmp_path, monkeypatch):
    """A function that trains an epoch with a seed: the seeds of its batches, and torch's before each step."""

    def train_with(seed):
        batches, drawn = [], []
        made, step = training.training_batches, training.training_step

        def remember(*given):
            batches.append(given[3])
            return made(*given)

        def draw(*given):
            drawn.append(torch.initial_seed())
            return step(*given)

        with monkeypatch.context() as patch:
            patch.setattr(training, "training_batches", remember)
            patch.setattr(training, "training_step", draw)
            run(store, tmp_path / f"{seed}.safetensors", dataclasses.replace(CONFIG, epochs=2, seed=seed))
        return batches, drawn

    return train_with


def test_the_seed_decides_the_batches_and_what_is_dropped_in_every_step(asked):
    first, again, other = asked(1), asked(1), asked(2)
    assert first[0] == [(1, 1), (1, 2)]
    assert other[0] == [(2, 1), (2, 2)]
    assert len(set(first[1])) == len(first[1]) > 2  # each step draws anew
    assert first[1][: len(again[1])] == again[1]
    assert set(first[1]).isdisjoint(other[1])
