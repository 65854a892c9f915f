"""Integration quality: types kept apart and donors mixed, by the metrics of scIB."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from annotated import annotated

from cellcohort.cohort.integration import integration
from cellcohort.outputs import parquet, schemas
from cellcohort.outputs.parquet import as_table, write_table
from cellcohort.outputs.schemas import INTEGRATION

WIDTH, N_CELLS = 6, 120


def write_cells(folder, shift: float) -> dict:
    """A reference of two donors and two types, and a patient whose cells lie `shift` beside theirs."""
    rng = np.random.default_rng(0)
    kind = np.arange(N_CELLS) % 2
    vectors = rng.normal(size=(N_CELLS, WIDTH)) + 8 * np.eye(WIDTH)[kind]
    names, labels = [f"c{number}" for number in range(N_CELLS)], np.array(["B", "T"], object)[kind]
    reference = {"cell_id": names, "label": labels, "donor": ["D1", "D1", "D2", "D2"] * (N_CELLS // 4)}
    reference |= {"split": ["train"] * N_CELLS, "vector": parquet.vectors(vectors.astype(np.float32))}
    write_table(folder / "reference.parquet", reference, schemas.reference_embedding_schema(WIDTH))
    moved = rng.normal(size=(N_CELLS, WIDTH)) + 8 * np.eye(WIDTH)[kind] + shift * np.eye(WIDTH)[3]
    cells = annotated(pd.DataFrame({"cell_id": names, "label": labels, "is_ood": np.arange(N_CELLS) % 10 == 0}))
    write_table(folder / "annotation.parquet", cells, schemas.ANNOTATION)
    embedding = {"cell_id": names, "vector": parquet.vectors(moved.astype(np.float32))}
    write_table(folder / "embedding.parquet", embedding, schemas.embedding_schema(WIDTH))
    return {"embeddings": [folder / "embedding.parquet"], "annotations": [folder / "annotation.parquet"]}


@pytest.fixture(scope="module")
def values(tmp_path_factory) -> dict[str, pd.Series]:
    found = {}
    for name, shift in (("mixed", 0.0), ("apart", 12.0)):
        folder = tmp_path_factory.mktemp(name)
        table = as_table(integration(folder / "reference.parquet", **write_cells(folder, shift)), INTEGRATION)
        found[name] = table.to_pandas().set_index("metric")
    return found


def test_a_batch_effect_lowers_what_measures_mixing(values):
    for metric in ("iLISI", "silhouette of donors"):
        assert values["apart"].loc[metric, "value"] < values["mixed"].loc[metric, "value"] - 0.1, metric


def test_values_are_shares_and_ood_cells_are_left_out(values):
    for table in values.values():
        assert table["value"].between(0, 1).all()
        assert set(table["n_cells"]) == {N_CELLS + N_CELLS * 9 // 10}
    assert values["mixed"].loc["cLISI", "value"] > 0.95


def test_types_of_one_donor_each_leave_donors_out(tmp_path):
    write_cells(tmp_path, 0.0)
    cells = parquet.read_frame(tmp_path / "reference.parquet")
    by_type = cells.assign(donor=cells["label"])
    write_table(tmp_path / "sorted.parquet", by_type, schemas.reference_embedding_schema(WIDTH))
    table = as_table(integration(tmp_path / "sorted.parquet", embeddings=[], annotations=[]), INTEGRATION).to_pandas()
    assert table["aspect"].unique().tolist() == ["types kept apart"]


def test_no_patient_and_one_donor_give_no_rows(tmp_path):
    write_cells(tmp_path, 0.0)
    reference = parquet.read_frame(tmp_path / "reference.parquet").assign(donor=None)
    write_table(tmp_path / "one.parquet", reference, schemas.reference_embedding_schema(WIDTH))
    assert len(integration(tmp_path / "one.parquet", embeddings=[], annotations=[])) == 0
