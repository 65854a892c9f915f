"""Every writer under faults: the old file or none, never half of one, and nothing left that is taken for a result.

A fault hits a process of its own, which is forked from this one: the file grows above a limit (as on a full disk), the
process is killed halfway or before the file takes its place, or the folder cannot be written to.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from cellcohort.bundle.model_bundle import save_model
from cellcohort.cnv import heatmap
from cellcohort.core.files import write_json
from cellcohort.model.checkpoint import save_checkpoint
from cellcohort.model.network import CellMemory, ModelConfig
from cellcohort.model.token_store import write_store
from cellcohort.model.tokens import tokenise
from cellcohort.outputs.h5ad import growing_h5ad, write_h5ad
from cellcohort.outputs.parquet import write_batches, write_both, write_table, write_tsv
from cellcohort.outputs.schemas import HISTORY
from cellcohort.report import page

LIMIT = 20_000  # bytes that a file may have; every writer here writes more
RAISED, NOT_PERMITTED, SILENT = 7, 8, 0  # exit statuses of the forked process


def _history(seed: int, n: int = 5000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.random(n) for name in HISTORY.names}).assign(epoch=np.arange(n))


def _counts(seed: int) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(seed).random((300, 100)).astype(np.float32))


def _json(folder: Path, seed: int) -> None:
    write_json(folder / "a.json", {"values": np.random.default_rng(seed).random(5000).tolist()})


def _table(folder: Path, seed: int) -> None:
    write_table(folder / "a.parquet", _history(seed), HISTORY)


def _stream(folder: Path, seed: int) -> None:
    write_batches(folder / "a.parquet", [_history(seed + part, 60_000) for part in range(2)], HISTORY)


def _tsv(folder: Path, seed: int) -> None:
    write_tsv(folder / "a.tsv", _history(seed))


def _both(folder: Path, seed: int) -> None:
    write_both(folder / "a.parquet", folder / "a.tsv", [_history(seed), _history(seed + 1)], HISTORY)


def _whole_h5ad(folder: Path, seed: int) -> None:
    write_h5ad(folder / "a.h5ad", ad.AnnData(_counts(seed)))


def _growing_h5ad(folder: Path, seed: int) -> None:
    counts = _counts(seed)
    cells = pd.DataFrame({"label": pd.Categorical(["T"] * 300)}, index=[f"c{i}" for i in range(300)])
    var = pd.DataFrame(index=[f"g{i}" for i in range(100)])
    with growing_h5ad(folder / "a.h5ad", obs=cells[:0], var=var, obsm={}) as file:
        for start in range(0, 300, 100):
            file.append_rows(counts[start : start + 100])
            file.append_obs(cells[start : start + 100])


def _model(seed: int) -> CellMemory:
    torch.manual_seed(seed)
    return CellMemory(ModelConfig(400, 3, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=1))


def _weights(folder: Path, seed: int) -> None:
    save_model(_model(seed), weights=folder / "a.safetensors", config=folder / "a.json", settings={})


def _checkpoint(folder: Path, seed: int) -> None:
    model = _model(seed)
    optimizer = torch.optim.AdamW(model.parameters())
    save_checkpoint(folder / "a.safetensors", model, optimizer, model.state_dict(), None, {})


def _tokens(folder: Path, seed: int) -> None:
    cells = pd.DataFrame({"cell_id": [f"c{i}" for i in range(300)], "label": "T", "split": "train"})
    write_store(folder / "a.arrow", [(tokenise(_counts(seed)), cells.assign(donor=None, coarse=None))])


def _picture(folder: Path, seed: int) -> None:
    figure, axes = plt.subplots(figsize=(2.5, 2.5))
    axes.imshow(np.random.default_rng(seed).random((200, 200)))
    heatmap._save(figure, folder / "a.png")


def _report(folder: Path, seed: int) -> None:
    text = np.random.default_rng(seed).bytes(30_000).hex()
    drawn = {"qc": SimpleNamespace(svg=lambda: text, is_empty=True)}
    stand_ins = {
        "load": lambda *_, **__: None,
        "build_figures": lambda *_: drawn,
        "figure_tables": lambda _: {"qc": _history(seed)},
        "_context": lambda *_: {},
        "_template": lambda: SimpleNamespace(render=lambda **_: text),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, stand_in in stand_ins.items():
            patch.setattr(page, name, stand_in)
        given = {"figures": {"qc": folder / "a.svg"}, "tables": {"qc": folder / "a.tsv"}, "config": {}}
        page.render_report({}, folder / "a.html", **given)


WRITERS = {
    function.__name__[1:]: function
    for function in (
        _json, _table, _stream, _tsv, _both, _whole_h5ad, _growing_h5ad, _weights, _checkpoint, _tokens, _picture,
        _report,
    )
}  # fmt: skip
"""Each writes its files into a folder, of a content that the seed decides."""


def _limit(action: signal.Handlers) -> None:
    """Files may not grow above LIMIT: writing fails, or kills the process."""
    signal.signal(signal.SIGXFSZ, action)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


def full_disk(_: Path) -> None:
    _limit(signal.SIG_IGN)


def killed_halfway(_: Path) -> None:
    _limit(signal.SIG_DFL)


def killed_at_the_end(_: Path) -> None:
    Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign,return-value]


def no_room_for_the_name(_: Path) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    Path.replace = fail  # type: ignore[method-assign]


def read_only(folder: Path) -> None:
    folder.chmod(0o555)
    if os.geteuid() == 0:  # who may write everywhere
        os.setresuid(65534, 65534, 65534)


FAULTS = {
    full_disk: RAISED,
    no_room_for_the_name: RAISED,
    read_only: NOT_PERMITTED,
    killed_halfway: -signal.SIGXFSZ,
    killed_at_the_end: -signal.SIGKILL,
}
"""Each sets the fault up in a process of its own, which has to end as it says here."""


def run_in_fork(write: Callable[[Path, int], None], folder: Path, seed: int, fault: Callable[[Path], None]) -> int:
    """Exit status of a process in which a writer meets a fault."""
    process = os.fork()
    if process == 0:
        signal.alarm(60)
        try:
            fault(folder)
            write(folder, seed)
        except PermissionError:
            os._exit(NOT_PERMITTED)
        except BaseException:  # whatever a library makes of the fault: that it is told is the point
            os._exit(RAISED)
        os._exit(SILENT)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def contents(folder: Path) -> dict[str, bytes]:
    """The visible files."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture(scope="module", params=WRITERS)
def writer(request, tmp_path_factory) -> tuple[Callable[[Path, int], None], dict[str, bytes], dict[str, bytes]]:
    """A writer, and what it writes of the seeds 1 and 2."""
    write, found = WRITERS[request.param], []
    for seed in (1, 2):
        folder = tmp_path_factory.mktemp("whole")
        write(folder, seed)
        found.append(contents(folder))
    return write, *found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_leaves_the_old_file_or_none(tmp_path, writer, fault):
    write, old, new = writer
    folder = tmp_path / "folder"
    folder.mkdir()
    assert max(map(len, new.values())) > LIMIT
    for before in ({}, old):
        for name, content in before.items():
            (folder / name).write_bytes(content)
        assert run_in_fork(write, folder, 2, fault) == FAULTS[fault]
        folder.chmod(0o755)
        for name in {*new, *contents(folder)}:  # of several files, the first may be there
            assert contents(folder).get(name) in (before.get(name), new[name]), name
        if FAULTS[fault] > 0:
            assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    write(folder, 2)
    assert contents(folder) == new
    assert len(list(folder.iterdir())) == len(new)


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "results").write_text("mine")
    for write in WRITERS.values():
        with pytest.raises(OSError, match="results"):
            write(tmp_path / "results", 1)
    assert (tmp_path / "results").read_text() == "mine"
