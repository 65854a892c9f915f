"""The files of a patient and of each sample, and what people open them with."""

from __future__ import annotations

import anndata as ad
import infercnvpy
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from cnv_patients import call, two_samples

from cellcohort.cnv.call_copy_number import CnvResult
from cellcohort.cnv.leiden_groups import leiden_groups
from cellcohort.cnv.patient_files import NO_CLONE, cell_names, split_sample, write_patient
from cellcohort.cnv.patient_samples import Sample
from cellcohort.outputs.parquet import read_frame
from cellcohort.outputs.schemas import CNV_ARMS, CNV_CELLS, with_sample

FILES = ("cnv", "cells", "arms")


def write(folder, result: CnvResult, samples: list[str]) -> dict[str, dict]:
    """Paths of the patient's files (under "patient"), and of each sample's."""
    paths = {owner: {name: folder / f"{owner}.{name}" for name in FILES} for owner in ("patient", *samples)}
    leiden = leiden_groups(result.profile, cell_names(result.cells))
    write_patient(result, "p|1", leiden=leiden, **paths["patient"])
    for name in samples:
        split_sample(paths["patient"], paths[name], sample_id=name)
    return paths


@pytest.fixture(scope="module")
def patient_samples(tmp_path_factory) -> list[Sample]:
    return two_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def files(tmp_path_factory, patient_samples):
    return write(tmp_path_factory.mktemp("files"), call(patient_samples), ["a", "b", "rejected"])


def test_tables_of_the_patient_and_of_each_sample(files, patient_samples) -> None:
    whole = read_frame(files["patient"]["arms"])
    assert read_frame(files["patient"]["cells"]).columns.tolist() == with_sample(CNV_CELLS).names
    assert set(whole["patient_id"]) == {"p|1"}
    assert {"T", "T, out of distribution"} <= set(whole["lineage"])
    for one in patient_samples:
        cells, arms = read_frame(files[one.sample_id]["cells"]), read_frame(files[one.sample_id]["arms"])
        assert cells["cell_id"].tolist() == one.annotation["cell_id"].tolist()
        assert cells["is_ood"].tolist() == one.annotation["is_ood"].tolist()
        pd.testing.assert_frame_equal(arms, whole)  # each has cells of every group
    assert read_frame(files["rejected"]["arms"]).columns.tolist() == CNV_ARMS.names
    assert read_frame(files["rejected"]["arms"]).empty


def test_a_sample_has_the_arms_of_its_own_groups(tmp_path, files) -> None:
    cells = read_frame(files["patient"]["cells"])
    without = cells[~((cells["sample_id"] == "a") & cells["clone"].notna())]
    kept = tmp_path / "cells.parquet"
    without.to_parquet(kept)
    part = {name: tmp_path / name for name in FILES}
    split_sample(files["patient"] | {"cells": kept}, part, sample_id="a")
    arms, whole = read_frame(part["arms"]), read_frame(files["patient"]["arms"])
    pd.testing.assert_frame_equal(arms, whole[whole["clone"].isna()].reset_index(drop=True))
    assert 0 < len(arms) < len(whole)


@pytest.mark.parametrize("owner", ["patient", "a"])
@pytest.mark.parametrize("column", ["clone", "label", "cnv_leiden", "cnv_call", "lineage"])
def test_infercnvpy_draws_the_profile_by_every_column(files, owner, column) -> None:
    adata = ad.read_h5ad(files[owner]["cnv"])
    assert adata.obs[column].nunique() > 1
    axes = infercnvpy.pl.chromosome_heatmap(adata, groupby=column, show=False)
    names = [text.get_text() for text in axes["groupby_ax"].get_yticklabels()]
    plt.close(axes["heatmap_ax"].figure)
    assert names == adata.obs[column].cat.categories.tolist()


def test_the_profile_says_which_cells_have_no_clone(files) -> None:
    cells, obs = read_frame(files["patient"]["cells"]), ad.read_h5ad(files["patient"]["cnv"]).obs
    assert obs["clone"].cat.categories.tolist() == ["clone 1", NO_CLONE]
    assert ((obs["clone"] == NO_CLONE).to_numpy() == cells["clone"].isna().to_numpy()).all()
    assert (obs["is_ood"] == "True").tolist() == cells["is_ood"].tolist()


def test_profiles_of_samples_join_to_the_patients(files) -> None:
    whole = ad.read_h5ad(files["patient"]["cnv"])
    parts = {name: ad.read_h5ad(files[name]["cnv"]) for name in ("a", "b", "rejected")}
    joined = ad.concat(parts, label="sample_id", index_unique="|", uns_merge="same")
    joined.obs_names = joined.obs["sample_id"].astype(str) + "|" + joined.obs["cell_id"].astype(str)
    joined = joined[whole.obs_names]
    assert (joined.obsm["X_cnv"] != whole.obsm["X_cnv"]).nnz == 0
    for column in ("clone", "label", "cnv_leiden", "cnv_score"):
        assert joined.obs[column].astype(str).tolist() == whole.obs[column].astype(str).tolist()
    assert joined.uns["cnv"]["chr_pos"] == whole.uns["cnv"]["chr_pos"]


def test_the_profile_opens_on_disk(files) -> None:
    backed = ad.read_h5ad(files["patient"]["cnv"], backed="r")
    tumour = backed[(backed.obs["cnv_call"] == "aneuploid").to_numpy()].to_memory()
    assert 0 < tumour.n_obs < backed.n_obs
    assert tumour.obsm["X_cnv"].shape == (tumour.n_obs, backed.obsm["X_cnv"].shape[1])
    backed.file.close()


def test_cells_without_leiden_groups_have_a_missing_value(tmp_path, patient_samples) -> None:
    result = call(patient_samples)
    paths = {name: tmp_path / name for name in FILES}
    write_patient(result, "p1", leiden=np.full(len(result.cells), None), **paths)
    assert ad.read_h5ad(paths["cnv"]).obs["cnv_leiden"].isna().all()


@pytest.mark.parametrize("owner", ["patient", "a", "rejected"])
def test_the_profile_has_one_index_dtype(files, owner) -> None:
    profile = ad.read_h5ad(files[owner]["cnv"]).obsm["X_cnv"]
    assert {profile.indices.dtype, profile.indptr.dtype} == {np.dtype(np.int32)}


def test_a_patient_without_usable_samples(tmp_path) -> None:
    files = write(tmp_path, call([]), ["rejected"])
    for owner in ("patient", "rejected"):
        assert read_frame(files[owner]["cells"]).empty
        assert ad.read_h5ad(files[owner]["cnv"]).n_obs == 0
