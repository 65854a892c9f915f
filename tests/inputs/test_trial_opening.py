"""A trial opening: damage that crashes or holds the library is a reason, and nothing of it is seen."""

from __future__ import annotations

import os
import signal

import pytest
from odd_inputs.case import cells, run_sample

from cellcohort.core.errors import InputError
from cellcohort.inputs import trial_opening
from cellcohort.inputs.trial_opening import try_opening
from cellcohort.qc import check_sample


def _loop() -> None:
    while True:
        pass


def _raise() -> None:
    raise ValueError("the caller sees it")


def test_what_can_be_opened_passes_and_what_raises_is_left_to_the_caller(tmp_path, capfd):
    path = tmp_path / "a.h5ad"
    try_opening(path, lambda: os.write(1, b"hidden"))
    try_opening(path, _raise)
    try_opening(path, lambda: os.write(2, b"hidden"))
    try_opening(path, lambda: exit(3))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_crash_is_a_reason(tmp_path, number):
    with pytest.raises(InputError, match=r"a\.h5ad: reading it crashes the library \(.*copy or write it again"):
        try_opening(tmp_path / "a.h5ad", lambda: os.kill(os.getpid(), number))


def test_a_loop_without_end_is_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(trial_opening, "_SECONDS", 1)
    with pytest.raises(InputError, match="comes to no end"):
        try_opening(tmp_path / "a.h5ad", _loop)


def test_a_sample_that_crashes_the_library_is_rejected(tmp_path, monkeypatch):
    cells().write_h5ad(tmp_path / "a.h5ad")
    parent, read = os.getpid(), check_sample.open_sample
    crash = lambda *given: read(*given) if os.getpid() == parent else os.abort()  # noqa: E731
    monkeypatch.setattr(check_sample, "open_sample", crash)
    outcome, said = run_sample({"path": "a.h5ad"}, tmp_path)
    assert outcome == "rejected"
    assert "crashes the library" in said[0]
