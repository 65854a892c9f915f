import dataclasses
import shutil

import pytest
import torch
from small_reference import N_GENES, make_store

from cellcohort.model import training
from cellcohort.model.checkpoint import load_progress, save_checkpoint
from cellcohort.model.distributed import data_parallel, launch, rank, shard
from cellcohort.model.network import CellMemory, ModelConfig
from cellcohort.model.token_store import TokenStore
from cellcohort.model.training import TrainConfig, train, train_on_gpus

SIZES = ModelConfig(N_GENES, 3, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=2, dropout=0.0)
CONFIG = TrainConfig(epochs=8, batch_size=16, learning_rate=3e-3)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def gradient_and_shard() -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    model = torch.nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(rank())
    trained = data_parallel(model)
    (trained(torch.tensor([[1.0, 2.0]])) * (rank() + 1)).sum().backward()
    return model.weight.detach(), model.weight.grad, list(shard(range(5)))


def test_processes_shard_batches_and_average_gradients_from_the_weights_of_the_first():
    weight, gradient, batches = launch(gradient_and_shard, n_processes=2)
    assert weight.tolist() == [[0.0, 0.0]]
    assert gradient.tolist() == [[1.5, 3.0]]
    assert batches == [0, 2]
    assert list(shard(range(5))) == [0, 1, 2, 3, 4]


def test_one_process_trains_the_model_itself():
    model = torch.nn.Linear(2, 1)
    assert data_parallel(model) is model


def test_two_processes_train_one_model_twice_the_same(tmp_path):
    store = make_store(tmp_path / "tokens.arrow")
    runs = [
        train_on_gpus(store.path, SIZES, CONFIG, n_processes=2, checkpoint=tmp_path / f"{name}.safetensors")
        for name in "ab"
    ]
    for name, value in runs[0].model.state_dict().items():
        assert torch.equal(value, runs[1].model.state_dict()[name]), name
    once = dataclasses.replace(CONFIG, epochs=1)
    alone = train(store, SIZES, once, device=torch.device("cpu"), checkpoint=tmp_path / "c.safetensors").model
    assert not torch.equal(alone.head.weight, runs[0].model.head.weight)
    losses = runs[0].history["train_loss"].to_numpy()
    assert losses[-1] < 0.8 * losses[0]


def whole_and_resumed(path: str, folder: str) -> tuple[CellMemory, CellMemory]:
    """In one of several processes: train two epochs, and again from the checkpoint that the first epoch left."""
    first, last = f"{folder}/first", f"{folder}/last"

    def save(*arguments):
        save_checkpoint(*arguments)
        if arguments[-1]["epoch"] == 1:
            shutil.copy(last, first)

    training.save_checkpoint = save
    config = dataclasses.replace(CONFIG, epochs=2)
    return tuple(
        train(TokenStore(path), SIZES, config, device=torch.device("cpu"), checkpoint=checkpoint).model
        for checkpoint in (last, first)
    )


def test_three_processes_resume_to_the_same_weights(tmp_path):
    """Of three, as the sum of two numbers does not depend on their order."""
    store = make_store(tmp_path / "tokens.arrow")
    whole, resumed = launch(whole_and_resumed, store.path, str(tmp_path), n_processes=3)
    assert load_progress(tmp_path / "first")["epoch"] == 2
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
