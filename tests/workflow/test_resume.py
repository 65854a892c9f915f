"""Training that is killed with SIGKILL, in the middle of an epoch or of a checkpoint, ends with the same weights."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_reference import N_GENES, make_store

from cellcohort.model import checkpoint, training
from cellcohort.model.network import ModelConfig
from cellcohort.model.token_store import TokenStore

SIZES = ModelConfig(N_GENES, 3, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=2)
CONFIG = training.TrainConfig(epochs=3, batch_size=16)


def run(folder: Path, kill: str = "nothing", at: int = 0) -> None:
    """Train with a checkpoint every third step; die at the given step or when the nth file is to be written."""
    calls = {"step": 0, "save": 0}

    def deadly(name, function):
        def wrapped(*arguments, **keywords):
            result = function(*arguments, **keywords)
            calls[name] += 1
            if name == kill and calls[name] == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    training.CHECKPOINT_STEPS = 3
    training.training_step = deadly("step", training.training_step)
    checkpoint.save = deadly("save", checkpoint.save)  # nothing of it is written yet
    store, state = TokenStore(folder / "tokens.arrow"), folder / f"{kill}.safetensors"
    torch.set_num_threads(1)
    trained = training.train(store, SIZES, CONFIG, device=torch.device("cpu"), checkpoint=state)
    save_file(trained.model.state_dict(), folder / "weights.safetensors")


def process(folder: Path, *arguments: str) -> int:
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests / "helpers"), str(tests.parent / "scripts")])
    command = [sys.executable, __file__, str(folder), *arguments]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=False).returncode


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    make_store(folder / "tokens.arrow")
    return folder


@pytest.fixture(scope="module")
def whole(folder):
    """The weights of training that nobody killed."""
    assert process(folder) == 0
    return load_file((folder / "weights.safetensors").rename(folder / "whole.safetensors"))


@pytest.mark.parametrize(("kill", "at"), [("step", 20), ("save", 4)])
def test_killed_and_started_again_gives_the_same_weights(folder, whole, kill, at):
    (folder / "weights.safetensors").unlink(missing_ok=True)
    assert process(folder, kill, str(at)) == -signal.SIGKILL
    assert not (folder / "weights.safetensors").exists()
    state = folder / f"{kill}.safetensors"
    assert checkpoint.load_progress(state)["batch"] > 0  # it died within an epoch
    assert process(folder, kill, "0") == 0
    resumed = load_file(folder / "weights.safetensors")
    assert [name for name in whole if not torch.equal(whole[name], resumed[name])] == []


if __name__ == "__main__":
    run(Path(sys.argv[1]), *sys.argv[2:3], *map(int, sys.argv[3:4]))
