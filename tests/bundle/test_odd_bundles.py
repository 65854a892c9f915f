"""The bundles of the catalogue of odd inputs (tests/helpers/odd_inputs): loaded, or refused with a reason."""

from __future__ import annotations

import shutil

import pytest
from odd_inputs import catalogue
from odd_inputs.case import run_bundle

BUNDLES = [case for case in catalogue() if case.outcome in ("loaded", "refused")]


@pytest.mark.parametrize("case", BUNDLES, ids=lambda case: case.name)
def test_a_bundle_is_loaded_or_refused_with_a_reason(case, bundle, tmp_path):
    folder = shutil.copytree(bundle.folder, tmp_path / "model")
    case.make(folder)
    outcome, said = run_bundle(folder)
    assert outcome == case.outcome, said
    assert case.says in "\n".join(said)
