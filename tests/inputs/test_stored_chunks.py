"""An array is whole when each of its chunks was written."""

from __future__ import annotations

import re

import h5py
import numpy as np
import pytest
import zarr

from cellcohort.core.errors import DamagedFileError
from cellcohort.inputs.stores.stored_chunks import check_whole
from cellcohort.inputs.stores.stored_elements import library_call


def is_whole(element) -> bool:
    try:
        check_whole(element, "x")
    except DamagedFileError:
        return False
    return True


@pytest.mark.parametrize("chunks", [None, (4, 3)])
@pytest.mark.parametrize(("rows", "whole"), [(0, False), (10, True)])
def test_hdf5(tmp_path, chunks, rows, whole):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        element = file.create_dataset("x", (10, 7), "f4", chunks=chunks)
        element[:rows] = 0
        assert is_whole(element) == whole
        element[:4, :3] = 1
        assert is_whole(element) == (whole or chunks is None)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("shards", [None, (8, 6)])
def test_zarr(tmp_path, version, shards):
    if version == 2 and shards:
        pytest.skip("format 2 has no shards")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=version)
    element = group.create_array("x", shape=(10, 7), chunks=(4, 3), shards=shards, dtype="f4")
    element[:] = np.ones((10, 7))
    assert is_whole(element)
    next(path for path in (tmp_path / "a.zarr/x").rglob("*") if path.is_file() and "z" not in path.name).unlink()
    assert not is_whole(element)


def test_chunks_without_a_size_are_damage(tmp_path):
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w").create_array("x", shape=(10,), chunks=(4,), dtype="f4")[:] = 1
    metadata = tmp_path / "a.zarr/x/zarr.json"
    metadata.write_text(re.sub(r'("chunk_shape": \[\s*)4', r"\g<1>0", metadata.read_text()))
    assert '"chunk_shape": [\n' in metadata.read_text()
    with library_call():
        element = zarr.open_group(str(tmp_path / "a.zarr"), mode="r")["x"]
    assert element.chunks == (0,)
    with pytest.raises(DamagedFileError, match="ZeroDivisionError"):
        check_whole(element, "x")


@pytest.mark.parametrize("shape", [(0,), (0, 5)])
def test_nothing_is_whole(tmp_path, shape):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        assert is_whole(file.create_dataset("x", shape, "f4"))
    assert is_whole(zarr.create_array(str(tmp_path / "a.zarr"), shape=shape, chunks=(1,) * len(shape), dtype="f4"))
