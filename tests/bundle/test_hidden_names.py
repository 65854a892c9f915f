"""A bundle that may be shared names no cell and no donor, and is otherwise what it would be."""

from __future__ import annotations

import numpy as np
import pytest
from small_reference import make_store

from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.hidden_names import hashed, hide_names
from cellcohort.bundle.model_bundle import bundle_paths, load_model, save_weights
from cellcohort.model.token_store import TokenStore
from cellcohort.outputs.parquet import read_frame


@pytest.fixture
def written(tmp_path, bundle):
    """Folders of the same calibration with and without names."""
    model = load_model(bundle.folder / "weights.safetensors", bundle.folder / "config.json")
    store = make_store(tmp_path / "tokens.arrow")
    folders = {}
    for name, change in (("named", lambda result: result), ("hidden", hide_names)):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        save_weights(model, folders[name] / "weights.safetensors")
        change(calibrate(model, store, seed=1, network_alone=True)).write_into(folders[name])
    return folders


def test_names_are_replaced_and_nothing_else(written):
    named, hidden = written["named"], written["hidden"]
    for name in ("calibration", "profiles", "metrics", "labels"):
        assert bundle_paths(hidden)[name].read_bytes() == bundle_paths(named)[name].read_bytes(), name
    theirs, ours = (read_frame(folder / "reference_embedding.parquet") for folder in (named, hidden))
    assert ours[["label", "split"]].equals(theirs[["label", "split"]])
    assert ours["cell_id"].tolist() == hashed(theirs["cell_id"]).tolist()
    assert ours.groupby("donor").ngroup().nunique() == theirs["donor"].nunique() == 3


def test_no_file_holds_a_name(written):
    names = [b"cell0000", b"D1", b"D2"]
    cells = TokenStore(written["hidden"] / "reference_tokens.arrow").cells
    assert not cells["cell_id"].str.startswith("cell").any()
    assert cells["donor"].nunique() == 3
    for path in written["hidden"].iterdir():
        assert not any(name in path.read_bytes() for name in names[:1]), path.name
    assert any(names[0] in path.read_bytes() for path in written["named"].iterdir())


def test_equal_names_have_equal_hashes_and_missing_ones_none():
    assert hashed(np.array(["A", "B", "A", None], object)).tolist()[0::2] == [
        hashed(np.array(["A"]))[0],
        hashed(["A"])[0],
    ]
    assert hashed(np.array([None, "", "A"], object)).tolist()[:2] == [None, ""]
    assert len({*hashed([f"cell{i}" for i in range(1000)])}) == 1000
