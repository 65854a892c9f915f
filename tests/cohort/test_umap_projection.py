from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from annotated import annotated
from sklearn.neighbors import NearestNeighbors

from cellcohort.cohort.umap_projection import PLACING_NEIGHBORS, _place, project_umap
from cellcohort.outputs import parquet, schemas
from cellcohort.outputs.parquet import as_table, write_table
from cellcohort.outputs.schemas import UMAP

TYPES = ["B", "NK", "T"]
WIDTH = 8


@pytest.fixture(scope="module")
def centres() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, WIDTH)) * 6


def draw(centres: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    return kind, (centres[kind] + rng.normal(size=(n, WIDTH))).astype("float32")


@pytest.fixture(scope="module")
def reference(tmp_path_factory, centres):
    kind, vectors = draw(centres, 150, 1)
    path = tmp_path_factory.mktemp("model") / "reference_embedding.parquet"
    table = {"cell_id": [f"r{i}" for i in range(150)], "label": [TYPES[k] for k in kind]}
    table |= {"donor": [None] * 150, "split": ["train"] * 150, "vector": parquet.vectors(vectors)}
    write_table(path, table, schemas.reference_embedding_schema(WIDTH))
    return path


def write_sample(folder, name: str, kind: np.ndarray, vectors: np.ndarray, order: np.ndarray | None = None):
    order = np.arange(len(kind)) if order is None else order
    cells = pd.DataFrame({"cell_id": [f"c{i}" for i in order], "label": [TYPES[k] for k in kind[order]]})
    cells = annotated(cells.assign(sample_id=name, patient_id=name))
    write_table(folder / f"{name}_annotation.parquet", cells, schemas.ANNOTATION)
    embedding = {"cell_id": cells["cell_id"].tolist(), "vector": parquet.vectors(vectors[order])}
    write_table(folder / f"{name}_embedding.parquet", embedding, schemas.embedding_schema(WIDTH))


def project(reference, folder, names: list[str], **options) -> pd.DataFrame:
    embeddings = [folder / f"{name}_embedding.parquet" for name in names]
    annotations = [folder / f"{name}_annotation.parquet" for name in names]
    return project_umap(reference, embeddings=embeddings, annotations=annotations, **options)


def test_cells_land_among_their_own_type(reference, centres, tmp_path):
    write_sample(tmp_path, "a", *draw(centres, 90, 2))
    points = as_table(project(reference, tmp_path, ["a"]), UMAP).to_pandas()
    assert points["set"].value_counts().to_dict() == {"reference": 150, "cohort": 90}
    middle = points[points["set"] == "reference"].groupby("label")[["x", "y"]].mean()
    cohort = points[points["set"] == "cohort"]
    distance = np.linalg.norm(cohort[["x", "y"]].to_numpy()[:, None] - middle.to_numpy(), axis=2)
    assert (middle.index[distance.argmin(1)] == cohort["label"]).mean() > 0.95


def test_a_cells_place_depends_on_no_other_cell(reference, centres, tmp_path):
    kind, vectors = draw(centres, 60, 3)
    write_sample(tmp_path, "a", kind, vectors)
    write_sample(tmp_path, "b", *draw(centres, 40, 4))
    alone = project(reference, tmp_path, ["a"])
    write_sample(tmp_path, "a", kind, vectors, np.random.default_rng(5).permutation(60))
    beside = project(reference, tmp_path, ["b", "a"])
    beside = beside[beside["patient_id"] != "b"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, beside)


def test_points_are_bounded_and_rare_types_kept(reference, centres, tmp_path):
    kind = np.r_[np.zeros(200, int), np.ones(4, int)]
    vectors = (centres[kind] + np.random.default_rng(6).normal(size=(204, WIDTH))).astype("float32")
    write_sample(tmp_path, "a", kind, vectors)
    points = project(reference, tmp_path, ["a"], max_points=60)
    assert points["set"].value_counts().max() <= 60
    assert (points[points["set"] == "cohort"]["label"] == "NK").sum() == 4


@pytest.mark.parametrize("names", [[], ["none"]])
def test_no_cohort_cells(reference, tmp_path, centres, names):
    write_sample(tmp_path, "none", *draw(centres, 0, 0))
    points = as_table(project(reference, tmp_path, names), UMAP).to_pandas()
    assert set(points["set"]) == {"reference"}


def test_calls_of_copy_number_are_joined_by_name(reference, tmp_path, centres):
    write_sample(tmp_path, "a", *draw(centres, 6, 2))
    calls = pd.DataFrame(dict.fromkeys(schemas.CNV_CELLS.names), index=range(6))
    calls = calls.assign(cell_id=[f"c{i}" for i in range(6)], role="query", cnv_call=["aneuploid", *["diploid"] * 5])
    calls = calls.assign(label="T", is_ood=False)
    write_table(tmp_path / "calls.parquet", calls[::-1], schemas.CNV_CELLS)
    points = project(reference, tmp_path, ["a"], calls=[tmp_path / "calls.parquet"])
    called = points[points["set"] == "cohort"].set_index("cell_id")["cnv_call"]
    assert called.to_dict() == {"c0": "aneuploid"} | {f"c{i}": "diploid" for i in range(1, 6)}
    assert points.loc[points["set"] == "reference", "cnv_call"].isna().all()


def test_a_cell_is_placed_nearer_to_the_reference_cells_that_it_is_more_like():
    reference = np.arange(PLACING_NEIGHBORS, dtype=np.float32)[:, None] ** 2
    neighbours, places = NearestNeighbors().fit(reference), np.eye(PLACING_NEIGHBORS)
    (weights,) = _place(np.array([[0.1]], np.float32), neighbours, places)  # each place is an axis of its own
    assert weights.sum() == pytest.approx(1)
    assert (np.diff(weights) < 0).all()
    assert weights[0] > 2 * weights[-1]
