import dataclasses

import pytest
import torch
from small_reference import LABELS, N_GENES, make_store

from cellcohort.model.distributed import average_gradients, launch, rank, share
from cellcohort.model.network import ModelConfig
from cellcohort.model.training import TrainConfig, train, train_on_gpus

SIZES = ModelConfig(N_GENES, 3, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=2, dropout=0.0)
CONFIG = TrainConfig(epochs=8, batch_size=16, learning_rate=3e-3)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def gradient_and_share() -> tuple[torch.Tensor, list[int]]:
    model = torch.nn.Linear(2, 1, bias=False)
    (model(torch.tensor([[1.0, 2.0]])) * (rank() + 1)).sum().backward()
    average_gradients(model)
    return model.weight.grad, list(share(range(5)))


def test_processes_share_batches_and_average_gradients():
    gradient, batches = launch(gradient_and_share, n_processes=2)
    assert gradient.tolist() == [[1.5, 3.0]]
    assert batches == [0, 2]
    assert list(share(range(5))) == [0, 1, 2, 3, 4]


def test_two_processes_train_one_model_twice_the_same(tmp_path):
    store = make_store(tmp_path / "tokens.arrow")
    runs = [
        train_on_gpus(store.path, LABELS, SIZES, CONFIG, n_processes=2, checkpoint=tmp_path / f"{name}.safetensors")
        for name in "ab"
    ]
    for name, value in runs[0][0].state_dict().items():
        assert torch.equal(value, runs[1][0].state_dict()[name]), name
    once = dataclasses.replace(CONFIG, epochs=1)
    alone, _ = train(store, LABELS, SIZES, once, device=torch.device("cpu"), checkpoint=tmp_path / "c.safetensors")
    assert not torch.equal(alone.head.weight, runs[0][0].head.weight)
    losses = runs[0][1]["train_loss"].to_numpy()
    assert losses[-1] < 0.8 * losses[0]
