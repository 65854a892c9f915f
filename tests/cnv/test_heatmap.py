"""The picture of a patient: small, the same twice, and there for every patient."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from cnv_patients import ARMS, call, patient, positions
from PIL import Image

from cellcohort.cnv import heatmap
from cellcohort.cnv.call_copy_number import call_copy_number
from cellcohort.cnv.heatmap import draw_heatmap

TRUNK = {"1p": 0.5, "2q": 1.5, "4p": 0.5}


@pytest.fixture(scope="module")
def result():
    sizes = {"T": 400, "T/1": 120, "T/2": 80, "B": 200, "M": 200}
    adata = patient(sizes, {"T/1": TRUNK | {"3q": 0.5}, "T/2": TRUNK | {"6p": 1.5}}, seed=9)
    return call_copy_number(adata, lineage="lineage", reference="reference", positions=positions(), arms=ARMS)


def draw(path, result, rows=slice(None)) -> bytes:
    draw_heatmap(path, result.cells[rows], result.profile[rows], result.chr_pos, title="Patient p1")
    return path.read_bytes()


def test_the_picture_is_small_and_the_same_twice(tmp_path, result) -> None:
    before = plt.get_fignums()
    first, second = (draw(tmp_path / name, result) for name in ("one.png", "two.png"))
    assert first == second
    assert len(first) < 150_000
    assert plt.get_fignums() == before, "no figure stays open"
    with Image.open(tmp_path / "one.png") as image:
        assert image.size == (990, 572)


def test_groups_follow_role_call_and_clone(result) -> None:
    groups = heatmap._groups(result.cells)
    rows = heatmap._choose(result.cells, groups, 0)
    assert len(rows) <= 400
    drawn = groups[rows]
    assert (np.diff(drawn.codes) >= 0).all()
    assert {"reference", "diploid", "aneuploid, clone 1", "aneuploid, clone 2"} <= set(drawn)
    assert (result.cells["role"].iloc[rows][drawn == "reference"] == "reference").all()


def test_cells_of_one_group_have_a_picture(tmp_path, result) -> None:
    assert draw(tmp_path / "p.png", result, (result.cells["role"] == "reference").to_numpy())


def test_a_patient_without_cells_has_a_picture(tmp_path) -> None:
    assert draw(tmp_path / "p.png", call([]))
