"""`cellcohort train` and `annotate`: what they write is what the functions of the Python API give."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from small_reference import LABELS, counts_of
from typer.testing import CliRunner

import cellcohort as cc
from cellcohort.commands import app as command_line
from cellcohort.core.errors import InputError


def call(*arguments: object):
    """The result of a command."""
    return CliRunner().invoke(command_line.app, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path):
    labels = np.resize(np.array(LABELS, object), 120)
    counts = counts_of(labels, seed=3)
    obs = pd.DataFrame({"truth": labels, "donor": np.resize(["A", "B", "C"], 120)}, index=[f"c{i}" for i in range(120)])
    var = pd.DataFrame(index=[f"GENE{i}" for i in range(counts.shape[1])])
    ad.AnnData(counts, obs=obs, var=var).write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def test_annotate_writes_the_cells_with_what_was_found(bundle, file, tmp_path):
    done = call("annotate", file, "--bundle", bundle.folder, "--out", tmp_path / "out.h5ad", "--cnv")
    assert done.exit_code == 0, done.output
    written, cells = ad.read_h5ad(tmp_path / "out.h5ad"), ad.read_h5ad(file)
    cc.annotate(cells, bundle.folder)
    cc.infer_cnv(cells)
    cc.assign_verdict(cells, bundle.folder)
    pd.testing.assert_frame_equal(written.obs, cells.obs, check_exact=True)
    n_passed = cells.obs["qc_pass"].sum()
    assert f"{n_passed} of 120 cells passed quality control" in done.output


def test_annotate_leaves_no_file_where_it_fails(bundle, file, tmp_path):
    done = call("annotate", file, "--bundle", bundle.folder, "--out", tmp_path / "out.h5ad", "--patient", "who")
    assert isinstance(done.exception, InputError)
    assert "obs has no column 'who'" in str(done.exception)
    assert call("annotate", file, "--bundle", bundle.folder, "--out", tmp_path / "out.csv").exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells.h5ad"]


def test_train_writes_a_bundle_with_its_card(file, tmp_path):
    done = call("train", file, "--label", "truth", "--donor", "donor", "--out", tmp_path / "model", "--n-genes", 40)
    assert done.exit_code == 0, done.output
    shown = call("bundle", "show", tmp_path / "model")
    assert shown.exit_code == 0
    assert all(label in shown.output for label in LABELS)
    again = call("train", file, "--label", "truth", "--out", tmp_path / "model")
    assert isinstance(again.exception, InputError)
