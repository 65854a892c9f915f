"""What the aneuploid cells of a patient have in common: arms, origins, and the genes that set them apart."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.cnv.cell_groups import GROUP
from cellcohort.cnv.markers import rank_markers
from cellcohort.cnv.patient_samples import Sample
from cellcohort.cnv.patient_summary import add_origins, arm_shares, origin_shares
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.parquet import as_table, empty
from cellcohort.outputs.schemas import CNV_ARMS, CNV_CELLS, CNV_MARKERS, CNV_ORIGINS, CNV_PATIENTS, with_sample

N_GENES = 60
POSITIONS = pd.DataFrame({"symbol": [f"G{i}" for i in range(N_GENES)]})
MARKED = ["G0", "G1", "G2"]


def arm_table(groups: dict[str, dict[str, int]]) -> pd.DataFrame:
    rows = [
        (*group_of(name), arm, 0.5 * call, 9.0 * call, call)
        for name, arms in groups.items()
        for arm, call in arms.items()
    ]
    return pd.DataFrame(rows, columns=[*GROUP, "arm", "log2_ratio", "z", "call"]).assign(patient_id="p1")


def group_of(name: str) -> tuple[str, str, str | None]:
    """Lineage, call and clone of a group called `lineage/clone` or `lineage/call`."""
    lineage, kind = name.split("/")
    return (lineage, "aneuploid", kind) if kind.startswith("clone") else (lineage, kind, None)


ARMS = arm_table({
    "A/clone 1": {"1p": -1, "8q": 1, "9p": 0},
    "A/clone 2": {"1p": -1, "8q": 0, "9p": 0},
    "B/diploid": {"1p": 0, "8q": 0, "9p": 1},
})  # fmt: skip


def write_sample(folder, name: str, kinds: list[str], *, genes: int = N_GENES, seed: int = 0):
    """A sample whose tumour cells express `MARKED`, and its tables: kinds are tumour, normal, foreign and other."""
    rng = np.random.default_rng(seed)
    mean = np.full((len(kinds), genes), 2.0)
    mean[np.ix_([kind == "tumour" for kind in kinds], range(len(MARKED)))] *= 6
    ids = [f"{name}_{i:03d}" for i in rng.permutation(len(kinds))]
    var = pd.DataFrame(index=[f"G{i}" for i in range(genes)])
    counts = ad.AnnData(sparse.csr_matrix(rng.poisson(mean).astype("float32")), obs=pd.DataFrame(index=ids), var=var)
    counts.write_h5ad(folder / f"{name}.h5ad")
    is_ood = np.isin(kinds, ["tumour", "foreign"])
    label = np.where(np.array(kinds) == "other", "B", "A")
    annotation = pd.DataFrame({"cell_id": ids, "label": label, "is_ood": is_ood, "origin": label})
    cells = annotation.assign(
        sample_id=name, patient_id="p1", lineage=np.where(is_ood, "A", annotation["label"]),
        role=np.where(np.array(kinds) == "other", "reference", "query"),
        cnv_call=np.where(np.array(kinds) == "tumour", "aneuploid", "diploid"),
        clone=np.where(np.array(kinds) == "tumour", "clone 1", None),
    ).reindex(columns=with_sample(CNV_CELLS).names)  # fmt: skip
    return Sample(name, open_counts(folder / f"{name}.h5ad"), annotation), cells


def join(parts) -> pd.DataFrame:
    cells = pd.concat([cells for _, cells in parts], ignore_index=True)
    return add_origins(cells, {sample.sample_id: sample.annotation for sample, _ in parts})


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patient")
    kinds = ["tumour"] * 30 + ["normal"] * 30 + ["foreign"] * 10 + ["other"] * 20
    return [write_sample(folder, "s1", kinds), write_sample(folder, "s2", kinds, genes=N_GENES - 5, seed=1)]


@pytest.fixture(scope="module")
def joined(parts) -> pd.DataFrame:
    return join(parts)


def cells_of(groups: dict[str, int]) -> pd.DataFrame:
    rows = [group_of(name) for name, number in groups.items() for _ in range(number)]
    return pd.DataFrame(rows, columns=GROUP).assign(patient_id="p1")


def test_shares_of_an_arm_are_of_the_aneuploid_cells() -> None:
    shares = arm_shares(cells_of({"A/clone 1": 30, "A/clone 2": 10, "A/clone 3": 5, "B/diploid": 50}), ARMS)
    as_table(shares, CNV_PATIENTS)
    assert shares["arm"].tolist() == ["1p", "8q", "9p"]
    assert shares["n_cells"].tolist() == [40, 40, 40]
    assert shares["lost"].tolist() == [1, 0, 0]
    assert shares["gained"].tolist() == [0, 0.75, 0]
    assert shares["log2_ratio"].tolist() == [-0.5, 0.375, 0]


def test_without_an_aneuploid_cell_no_arm_is_altered() -> None:
    shares = arm_shares(cells_of({"B/diploid": 50}), ARMS)
    assert not shares[["gained", "lost", "n_cells"]].to_numpy().any()
    assert shares["log2_ratio"].isna().all()


def test_cells_are_joined_by_sample_and_name(parts, joined) -> None:
    assert len(joined) == 180
    foreign = joined["is_ood"].astype(bool)
    assert (joined.loc[foreign, "origin"] == "A").all()
    assert joined.loc[~foreign, "origin"].isna().all()
    pd.testing.assert_frame_equal(join(parts[::-1]), joined)


def test_calls_are_counted_by_origin(joined) -> None:
    table = as_table(origin_shares(joined, ARMS), CNV_ORIGINS).to_pylist()
    assert table == [
        {"patient_id": "p1", "origin": "A", "n_ood": 80, "n_aneuploid": 60, "n_diploid": 20, "n_undetermined": 0,
         "aneuploid_share": 0.75, "arms": "-1p +8q"},
    ]  # fmt: skip


def test_an_origin_without_a_definite_call_has_no_share(joined) -> None:
    table = origin_shares(joined.assign(cnv_call="undetermined", clone=None), ARMS)
    assert table["n_undetermined"].tolist() == [80]
    assert table[["aneuploid_share", "arms"]].isna().all(axis=None)


def test_the_genes_of_the_tumour_rank_first(parts, joined) -> None:
    markers = rank_markers(joined, [sample for sample, _ in parts], POSITIONS, n_genes=20)
    as_table(markers, CNV_MARKERS)
    assert set(markers["symbol"][:3]) == set(MARKED)
    assert (markers["logfoldchange"][:3] > 1.5).all()
    assert (markers["pvals_adj"][:3] < 1e-6).all()
    assert (markers["pvals_adj"][3:] > 1e-6).all()
    assert markers["rank"].tolist() == [*range(1, 21), *range(-1, -21, -1)]
    assert (np.sign(markers["rank"]) == np.sign(markers["score"])).all()
    assert markers["score"][20:].is_monotonic_increasing, "the lowest first"
    assert set(markers["n_aneuploid"]) == {60}
    assert set(markers["n_normal"]) == {60}, "foreign cells and other types are no normal cells of the type"
    assert not {"G57", "G59"} & set(markers["symbol"]), "genes that one file lacks"


def test_markers_do_not_depend_on_the_order_of_samples_and_cells(parts, joined) -> None:
    samples = [sample for sample, _ in parts]
    first = rank_markers(joined, samples, POSITIONS, max_cells=20)
    again = rank_markers(join(parts[::-1]), samples[::-1], POSITIONS, max_cells=20)
    pd.testing.assert_frame_equal(first, again)
    assert set(first["n_normal"]) == {60}


@pytest.mark.parametrize("column", ["is_ood", "cnv_call"])
def test_too_few_cells_are_not_compared(parts, joined, column) -> None:
    only = {"is_ood": True, "cnv_call": "diploid"}[column]  # no normal cell, no aneuploid cell
    markers = rank_markers(joined.assign(**{column: only}), [sample for sample, _ in parts], POSITIONS)
    assert as_table(markers, CNV_MARKERS).num_rows == 0


def test_a_patient_without_cells_has_empty_tables(tmp_path) -> None:
    sample, _ = write_sample(tmp_path, "s1", [])
    cells = add_origins(empty(with_sample(CNV_CELLS)).to_pandas(), {})
    arms = empty(CNV_ARMS).to_pandas()
    assert as_table(arm_shares(cells, arms), CNV_PATIENTS).num_rows == 0
    assert as_table(origin_shares(cells, arms), CNV_ORIGINS).num_rows == 0
    assert as_table(rank_markers(cells, [], POSITIONS), CNV_MARKERS).num_rows == 0
    assert as_table(rank_markers(cells, [sample], POSITIONS), CNV_MARKERS).num_rows == 0


def test_an_arm_of_exactly_half_of_the_cells_is_not_common() -> None:
    cells = cells_of({"A/clone 1": 30, "A/clone 2": 30}).assign(origin="A")
    assert origin_shares(cells, ARMS)["arms"].tolist() == ["-1p"]
    cells = cells_of({"A/clone 1": 31, "A/clone 2": 30}).assign(origin="A")
    assert origin_shares(cells, ARMS)["arms"].tolist() == ["-1p +8q"]
