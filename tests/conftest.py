"""Shared fixtures: the library on the path, and the real data where they lie beside the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is absent."""
    folder = REPO.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real data sets in {folder}")
    return folder


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory) -> Path:
    """The demo's files: those in the repository's demo folder, else downloaded."""
    if (REPO / "demo" / "reference.h5ad").exists():
        return REPO / "demo"
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, str(REPO / "demo" / "demo_data.py"), str(folder)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("needs the demo's data, which could not be downloaded")
    return folder


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """The bundle of a small transformer of three made-up types (small_reference.py)."""
    from small_reference import make_bundle

    from cellcohort.bundle.model_bundle import Bundle

    return Bundle.open(make_bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture(scope="session")
def additive_bundle(tmp_path_factory):
    """The same with an additive workspace."""
    from small_reference import ADDITIVE, make_bundle

    from cellcohort.bundle.model_bundle import Bundle

    return Bundle.open(make_bundle(tmp_path_factory.mktemp("additive"), ADDITIVE))


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory) -> Path:
    """A copy of the repository whose scripts write their name instead of computing."""
    from stand_ins import copy_repository

    return copy_repository(tmp_path_factory.mktemp("clone"), stand_in=True)


@pytest.fixture
def fake_conda(tmp_path, monkeypatch) -> None:
    """A conda on the path that only says what it is: all that `snakemake --containerize` asks of it."""
    answer = {"conda_prefix": "/opt/conda", "platform": "linux-64", "get": {"channel_priority": "strict"}}
    conda = tmp_path / "bin" / "conda"
    conda.parent.mkdir()
    conda.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && echo conda 25.9.0 || echo '{json.dumps(answer)}'\n")
    conda.chmod(0o755)
    monkeypatch.setenv("PATH", f"{conda.parent}{os.pathsep}{os.environ['PATH']}")
