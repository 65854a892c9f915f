"""infercnvpy's Leiden groups: they depend on the set of cells, and are missing where they make no sense."""

from __future__ import annotations

import anndata as ad
import infercnvpy
import numpy as np
import pytest
from cnv_patients import ARMS, patient, positions
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from cellcohort.cnv import leiden_groups as module
from cellcohort.cnv.call_copy_number import call_copy_number
from cellcohort.cnv.leiden_groups import leiden_groups


@pytest.fixture(scope="module")
def patient_profile():
    events = {"T/1": {"1p": 0.5, "2q": 1.5, "4p": 0.5, "6q": 1.5}}
    adata = patient({"T": 100, "T/1": 80, "B": 60}, events, seed=4)
    result = call_copy_number(adata, lineage="lineage", reference="reference", positions=positions(), arms=ARMS)
    return result.profile, adata.obs_names.to_numpy(), adata.obs["carrier"].to_numpy()


def test_carriers_have_groups_of_their_own(patient_profile) -> None:
    profile, names, carrier = patient_profile
    groups = leiden_groups(profile, names)
    assert {type(group) for group in groups} == {str}
    shared = {group for group in set(groups[carrier]) if (groups[~carrier] == group).sum() > 2}
    assert not shared


def test_order_and_repetition_do_not_matter(patient_profile) -> None:
    profile, names, _ = patient_profile
    groups = leiden_groups(profile, names)
    order = np.random.default_rng(0).permutation(len(names))
    assert (leiden_groups(profile[order], names[order]) == groups[order]).all()
    assert (leiden_groups(profile, names) == groups).all()


def test_they_are_those_of_infercnvpys_defaults(patient_profile) -> None:
    profile, names, _ = patient_profile
    order = np.argsort(names)
    adata = ad.AnnData(obsm={"X_cnv": profile[order].astype(np.float32)})
    infercnvpy.tl.pca(adata)
    infercnvpy.pp.neighbors(adata)
    infercnvpy.tl.leiden(adata)
    assert adjusted_rand_score(adata.obs["cnv_leiden"], leiden_groups(profile, names)[order]) > 0.8


@pytest.mark.parametrize("shape", [(0, 0), (19, 50), (30, 0), (30, 1), (30, 50)], ids=str)
def test_nothing_to_group(shape) -> None:
    empty = sparse.csr_matrix(shape)
    assert leiden_groups(empty, [f"c{number}" for number in range(shape[0])]).tolist() == [None] * shape[0]


def test_too_many_cells_are_not_grouped(patient_profile, monkeypatch) -> None:
    profile, names, _ = patient_profile
    monkeypatch.setattr(module, "_MAX_CELLS", len(names) - 1)
    assert set(leiden_groups(profile, names)) == {None}
