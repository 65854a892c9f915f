"""What the aneuploid cells of a patient have in common: arms and origins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.cnv.cell_groups import GROUP
from cellcohort.cnv.patient_summary import add_origins, arm_shares, origin_shares
from cellcohort.outputs.parquet import as_table, empty
from cellcohort.outputs.schemas import CNV_ARMS, CNV_CELLS, CNV_ORIGINS, CNV_PATIENTS, with_sample


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


def tables(name: str, kinds: list[str], *, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Annotation and copy-number calls of a sample of cells of these kinds: tumour, normal, foreign and other."""
    ids = [f"{name}_{i:03d}" for i in np.random.default_rng(seed).permutation(len(kinds))]
    is_ood = np.isin(kinds, ["tumour", "foreign"])
    label = np.where(np.array(kinds) == "other", "B", "A")
    annotation = pd.DataFrame({"cell_id": ids, "label": label, "is_ood": is_ood, "origin": label})
    cells = annotation.assign(
        sample_id=name, patient_id="p1", lineage=np.where(is_ood, "A", annotation["label"]),
        role=np.where(np.array(kinds) == "other", "reference", "query"),
        cnv_call=np.where(np.array(kinds) == "tumour", "aneuploid", "diploid"),
        clone=np.where(np.array(kinds) == "tumour", "clone 1", None),
    ).reindex(columns=with_sample(CNV_CELLS).names)  # fmt: skip
    return annotation, cells


def join(parts: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    cells = pd.concat([cells for _, cells in parts.values()], ignore_index=True)
    return add_origins(cells, {name: annotation for name, (annotation, _) in parts.items()})


@pytest.fixture(scope="module")
def parts():
    kinds = ["tumour"] * 30 + ["normal"] * 30 + ["foreign"] * 10 + ["other"] * 20
    return {"s1": tables("s1", kinds), "s2": tables("s2", kinds, seed=1)}


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
    pd.testing.assert_frame_equal(join(dict(reversed(parts.items()))), joined)


def test_calls_are_counted_by_origin(joined) -> None:
    table = as_table(origin_shares(joined, ARMS), CNV_ORIGINS).to_pylist()
    assert table == [
        {"patient_id": "p1", "origin": "A", "n_ood": 80, "n_aneuploid": 60, "n_diploid": 20, "n_undetermined": 0,
         "aneuploid_share": 0.75, "arms": "-1p +8q"},
    ]  # fmt: skip


def test_cells_that_no_type_fits_are_counted_apart(joined) -> None:
    rows = joined.index[joined["origin"] == "A"][:30]
    table = origin_shares(joined.assign(origin=joined["origin"].mask(joined.index.isin(rows), None)), ARMS)
    assert as_table(table, CNV_ORIGINS).select(["origin", "n_ood"]).to_pylist() == [
        {"origin": "A", "n_ood": 50},
        {"origin": None, "n_ood": 30},
    ]


def test_no_type_may_fit_any_cell(joined) -> None:
    table = as_table(origin_shares(joined.assign(origin=None), ARMS), CNV_ORIGINS)
    assert table.select(["origin", "n_ood"]).to_pylist() == [{"origin": None, "n_ood": 80}]


def test_an_origin_without_a_definite_call_has_no_share(joined) -> None:
    table = origin_shares(joined.assign(cnv_call="undetermined", clone=None), ARMS)
    assert table["n_undetermined"].tolist() == [80]
    assert table[["aneuploid_share", "arms"]].isna().all(axis=None)


def test_a_patient_without_cells_has_empty_tables() -> None:
    cells = add_origins(empty(with_sample(CNV_CELLS)).to_pandas(), {})
    arms = empty(CNV_ARMS).to_pandas()
    assert as_table(arm_shares(cells, arms), CNV_PATIENTS).num_rows == 0
    assert as_table(origin_shares(cells, arms), CNV_ORIGINS).num_rows == 0


def test_an_arm_of_exactly_half_of_the_cells_is_not_common() -> None:
    cells = cells_of({"A/clone 1": 30, "A/clone 2": 30}).assign(origin="A", is_ood=True)
    assert origin_shares(cells, ARMS)["arms"].tolist() == ["-1p"]
    cells = cells_of({"A/clone 1": 31, "A/clone 2": 30}).assign(origin="A", is_ood=True)
    assert origin_shares(cells, ARMS)["arms"].tolist() == ["-1p +8q"]
