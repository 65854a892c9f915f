"""Columns of AnnData tables are read only where their parts agree; nothing else of a table is looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from odd_inputs.case import cells
from odd_inputs.zarr_stores import stored

from cellcohort.core.errors import InputError
from cellcohort.inputs import obs_columns
from cellcohort.inputs.counts import open_counts

N = 60


def file_with(folder: Path, change: Callable[[h5py.File], object], **obs: object) -> Path:
    content = cells(N)
    for name, values in obs.items():
        content.obs[name] = values
    content.write_h5ad(folder / "a.h5ad")
    with h5py.File(folder / "a.h5ad", "r+") as file:
        change(file)
    return folder / "a.h5ad"


def put(file: h5py.File, place: str, values: object) -> None:
    del file[place]
    file[place] = values


def make_future(file: h5py.File) -> None:
    del file["obs/donor"]
    file.create_group("obs/donor").attrs["encoding-type"] = "datetime-array"


SPOILT = {
    "shorter than the cells": (lambda file: put(file, "obs/donor/codes", np.zeros(9, "i1")), "9 values for 60 rows"),
    "longer than the cells": (lambda file: put(file, "obs/donor/codes", np.zeros(99, "i1")), "99 values for 60 rows"),
    "codes beyond the categories": (lambda file: put(file, "obs/donor/codes", np.full(N, 2)), "for 2 categories"),
    "codes below -1": (lambda file: put(file, "obs/donor/codes", np.full(N, -2)), "for 2 categories"),
    "codes of floats": (lambda file: put(file, "obs/donor/codes", np.zeros(N)), "for 2 categories"),
    "codes lost": (lambda file: file.pop("obs/donor/codes"), "KeyError"),
    "categories in two dimensions": (lambda file: put(file, "obs/donor/categories", np.ones((2, 2))), "list of values"),
    "one value": (lambda file: put(file, "obs/donor", 3), "list of values"),
    "two dimensions": (lambda file: put(file, "obs/donor", np.ones((N, 2))), "list of values"),
    "several fields": (lambda file: put(file, "obs/donor", np.zeros(N, [("a", "f4")])), "neither text nor numbers"),
    "unknown encoding": (make_future, "'datetime-array', which is not known"),
    "mask of another length": (lambda file: put(file, "obs/number/mask", np.zeros(9, bool)), "9 marks of missing"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_column_is_named_where_it_is_asked_for(tmp_path, name):
    change, message = SPOILT[name]
    path = file_with(tmp_path, change, number=pd.array([1, None] * 30, "Int64"))
    column = "number" if "mask" in name else "donor"
    counts = open_counts(path)
    assert counts.read().shape[0] == len(counts.obs_column("cell_type")) == N
    with pytest.raises(InputError, match=rf"a\.h5ad: it cannot be read .*{message}"):
        counts.obs_column(column)
    with pytest.raises(InputError, match=message):
        obs_columns.distinct(path, column)


def test_a_column_with_a_slash_in_its_name_is_listed_and_read(tmp_path):
    path = file_with(tmp_path, lambda file: None, **{"cell/type": ["T", "B"] * 30, "cell/state/fine": 1})
    assert obs_columns.columns(path) == ["cell_type", "donor", "cell/type", "cell/state/fine"]
    assert obs_columns.distinct(path, "cell/type") == {"T", "B"}
    assert open_counts(path).obs_column("cell/type")[:2].tolist() == ["T", "B"]


def test_columns_that_the_list_of_columns_lacks_are_found(tmp_path):
    def without_list(file: h5py.File) -> None:
        file["obs"].attrs["column-order"] = np.array([], "f8")

    assert obs_columns.columns(file_with(tmp_path, without_list)) == ["cell_type", "donor"]


def test_a_table_that_is_none_is_no_readable_file(tmp_path):
    assert not obs_columns.is_readable(file_with(tmp_path, lambda file: put(file, "obs", np.ones(N))))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("lost", ["obs/cell_type/codes", "obs/cell_type/categories", "obs/number"])
def test_a_column_that_lost_its_chunks_is_not_zeros(tmp_path, version, lost):
    path = tmp_path / stored(version, lost, lambda made: made.obs.insert(0, "number", range(N)))(tmp_path)["path"]
    with pytest.raises(InputError, match="not in the store"):
        open_counts(path).obs_column(lost.split("/")[1])


@pytest.mark.parametrize("version", [2, 3])
def test_chunks_of_zeros_that_were_left_out_are_read(tmp_path, version):
    counts = open_counts(tmp_path / stored(version)(tmp_path)["path"])
    assert set(counts.obs_column("batch")) == {"one"}
    assert set(counts.obs_column("note")) == {""}
