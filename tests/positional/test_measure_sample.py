"""Positional evidence of a sample: altered cells beside normal ones, without any normal cell of the patient."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from cellcohort.core.files import write_bytes
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import POSITIONAL
from cellcohort.positional.evidence import altered
from cellcohort.positional.healthy_types import HealthyTypes, sum_healthy_types
from cellcohort.positional.measure_sample import measure_cells, measure_sample


@pytest.fixture(scope="module")
def healthy(genomes, tmp_path_factory) -> HealthyTypes:
    path = tmp_path_factory.mktemp("reference") / "reference.h5ad"
    names = ("alpha", "beta")
    counts = open_counts(genomes.write(path, [genomes.cells(name, 80, seed=3) for name in names], [*names]))
    rows, labels = np.arange(counts.n_cells), counts.obs_column("cell_type")
    return sum_healthy_types(
        counts, rows, labels, positions=genomes.positions, vocabulary=np.arange(0, counts.n_genes, 2)
    )


def measured(genomes, healthy, path) -> pd.DataFrame:
    counts = open_counts(path)
    rows = np.arange(counts.n_cells)
    vocabulary = np.arange(0, counts.n_genes, 2)
    table = measure_cells(counts, rows, healthy, positions=genomes.positions, vocabulary=vocabulary)
    return as_table(table, POSITIONAL).to_pandas()


@pytest.fixture(scope="module")
def mixed(genomes) -> tuple[list, list]:
    """Normal cells of an unknown type, and altered ones of a known type."""
    events = {"gained": ["chr2", "chr7"], "lost": ["chr5"]}
    return [genomes.cells("delta", 90, seed=1), genomes.cells("alpha", 90, seed=2, **events)], ["normal", "altered"]


def test_altered_cells_are_found_among_normal_ones(genomes, healthy, tmp_path, mixed):
    table = measured(genomes, healthy, genomes.write(tmp_path / "s.h5ad", *mixed))
    truth = np.repeat([False, True], 90)
    assert altered(table)[truth].mean() == 1
    assert altered(table)[~truth].mean() == 0


def test_a_sample_too_small_for_two_groups_is_told_apart_by_neighbourhoods(genomes, healthy, tmp_path):
    events = {"gained": ["chr2", "chr7"], "lost": ["chr5"]}
    parts = [genomes.cells("delta", 12, seed=1), genomes.cells("alpha", 33, seed=2, **events)]
    table = measured(genomes, healthy, genomes.write(tmp_path / "s.h5ad", parts, ["normal", "altered"]))
    assert table["group"].nunique() == 1
    assert altered(table).tolist() == [False] * 12 + [True] * 33


def test_a_pure_tumour_is_found(genomes, healthy, tmp_path, mixed):
    table = measured(genomes, healthy, genomes.write(tmp_path / "s.h5ad", mixed[0][1:], ["altered"]))
    assert altered(table).all()


def test_the_order_of_the_file_changes_nothing(genomes, healthy, tmp_path, mixed):
    first = measured(genomes, healthy, genomes.write(tmp_path / "a.h5ad", *mixed))
    second = measured(genomes, healthy, genomes.write(tmp_path / "b.h5ad", *mixed, seed=4))
    pd.testing.assert_frame_equal(first, second.set_index("cell_id").loc[first["cell_id"]].reset_index())


def test_a_panel_is_not_judged(genomes, healthy, tmp_path, mixed):
    path = genomes.write(tmp_path / "s.h5ad", *mixed)
    ad.read_h5ad(path)[:, :900].copy().write_h5ad(path)
    table = measured(genomes, healthy, path)
    assert table[["z", "pvalue", "group_z", "group_pvalue"]].isna().all(None)
    assert not altered(table).any()


def test_one_cell_is_measured(genomes, healthy, tmp_path):
    table = measured(genomes, healthy, genomes.write(tmp_path / "s.h5ad", [genomes.cells("delta", 1)], ["x"]))
    assert table["n_cells"].tolist() == [1]


def test_light_chains_are_counted(genomes, healthy, tmp_path, mixed):
    path = genomes.write(tmp_path / "s.h5ad", *mixed)
    adata = ad.read_h5ad(path)
    adata.var_names = ["IGKC", "IGLC2", "IGLC3", *adata.var_names[3:]]
    adata.write_h5ad(path)
    table = measured(genomes, healthy, path)
    dense = adata.X.toarray()
    np.testing.assert_array_equal(table["kappa"], dense[:, 0])
    np.testing.assert_array_equal(table["lambda"], dense[:, 1:3].sum(1))


def test_a_rejected_sample_has_an_empty_table(healthy, genomes, tmp_path):
    write_bytes(tmp_path / "status.json", b'{"status": "rejected"}')
    table = measure_sample(
        {"sample_id": "S"}, healthy, counts="absent", qc="absent", genes="absent", status=tmp_path / "status.json",
        positions=genomes.positions,
    )  # fmt: skip
    assert not len(as_table(table, POSITIONAL))


def test_healthy_types_come_back_from_the_bundle(healthy, tmp_path):
    healthy.write(tmp_path / "t.parquet", tmp_path / "n.json")
    again = HealthyTypes.read(tmp_path / "t.parquet", tmp_path / "n.json")
    assert again.labels == healthy.labels
    assert again.null == healthy.null
    kept = healthy.counts.sum(0) > 0
    assert again.symbols == [name for name, used in zip(healthy.symbols, kept, strict=True) if used]
    np.testing.assert_array_equal(again.counts, healthy.counts[:, kept])
