"""Shared fixtures: the library on the path, and the real data where they lie beside the repository."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "scripts"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is absent."""
    folder = REPO.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real data sets in {folder}")
    return folder


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """The bundle of a small model of three made-up types (small_reference.py)."""
    from small_reference import make_bundle

    from cellcohort.bundle import Bundle

    return Bundle.open(make_bundle(tmp_path_factory.mktemp("bundle")))
