"""Highly variable genes as scanpy finds them, extra genes, ids and places, labelled cells."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

from cellcohort.core.errors import InputError
from cellcohort.genes.alignment import align_genes
from cellcohort.genes.highly_variable import rank_genes, standardised_variance
from cellcohort.genes.vocabulary import describe_genes, select_vocabulary
from cellcohort.inputs.counts import Counts, open_counts
from cellcohort.inputs.resources import gene_aliases, gene_positions
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import VOCABULARY
from cellcohort.reference.cells import labelled_cells

N_CELLS, N_GENES = 400, 300


@pytest.fixture(scope="module")
def positions() -> pd.DataFrame:
    return gene_positions("hg38")


@pytest.fixture(scope="module")
def aliases() -> pd.DataFrame:
    return gene_aliases()


def reference(seed: int = 0) -> ad.AnnData:
    """Cells of two types and three donors; 60 genes differ between the types."""
    rng = np.random.default_rng(seed)
    mean = np.tile(rng.gamma(0.5, 3, N_GENES), (N_CELLS, 1))
    mean[::2, :60] *= rng.uniform(2, 6, 60)
    values = rng.poisson(mean * rng.lognormal(0, 0.3, (N_CELLS, 1))).astype(np.float32)
    obs = pd.DataFrame(
        {
            "cell_type": np.where(np.arange(N_CELLS) % 2, "A", "B"),
            "donor": rng.choice(["D1", "D2", "D3"], N_CELLS, p=[0.5, 0.3, 0.2]),
        },
        index=[f"cell{number}" for number in range(N_CELLS)],
    )
    genes = [f"GENE{number}" for number in range(N_GENES)]
    return ad.AnnData(sparse.csr_matrix(values), obs=obs, var=pd.DataFrame(index=genes))


def write(path: Path, content: ad.AnnData) -> Counts:
    content.write_h5ad(path)
    return open_counts(path)


def select(counts: Counts, positions, aliases, *, donors: bool = False, **options) -> pd.DataFrame:
    rows, _, given = labelled_cells(counts, label="cell_type", donor="donor" if donors else None)
    options = {"n_genes": 50} | options
    return select_vocabulary(counts, rows, given, positions=positions, aliases=aliases, **options)


@pytest.mark.parametrize("batch", [None, "donor"])
@pytest.mark.parametrize("n_top", [50, 120])
def test_genes_are_those_of_scanpy(tmp_path: Path, batch: str | None, n_top: int) -> None:
    content = reference()
    counts = write(tmp_path / "a.h5ad", content)
    sc.pp.highly_variable_genes(content, flavor="seurat_v3", n_top_genes=n_top, batch_key=batch)
    batches = None if batch is None else content.obs[batch].to_numpy()
    variance = standardised_variance(counts, np.arange(N_CELLS), batches)
    parts = [content] if batch is None else [content[content.obs[batch] == name].copy() for name in ("D1", "D2", "D3")]
    for part in parts:  # scanpy 1.12 rounds the means of batches, which loess feels where genes have the same mean
        sc.pp.highly_variable_genes(part, flavor="seurat_v3", n_top_genes=n_top)
    expected = np.mean([part.var["variances_norm"] for part in parts], axis=0)
    np.testing.assert_allclose(variance.mean(axis=0), expected, rtol=1e-6)
    ranked = rank_genes(variance, n_top, content.var_names.to_numpy(str))[:n_top]
    shared = set(content.var_names[ranked]) & set(content.var_names[content.var["highly_variable"]])
    assert len(shared) >= n_top - (0 if batch is None else 2)


@pytest.mark.parametrize("batch", [None, "donor"])
def test_genes_are_those_of_scanpy_on_real_cells(shared_data: Path, batch: str | None) -> None:
    path = shared_data / "ovarian_qian2020.h5ad"
    content = ad.read_h5ad(path)
    sc.pp.highly_variable_genes(content, flavor="seurat_v3", n_top_genes=2000, batch_key=batch)
    batches = None if batch is None else content.obs[batch].to_numpy()
    counts = open_counts(path)
    variance = standardised_variance(counts, np.arange(counts.n_cells), batches)
    ranked = rank_genes(variance, 2000, content.var_names.to_numpy(str))[:2000]
    assert len(set(content.var_names[ranked]) & set(content.var_names[content.var["highly_variable"]])) >= 1995


def test_chunks_cells_and_genes_may_come_in_any_order(tmp_path: Path, positions, aliases, monkeypatch) -> None:
    content = reference()
    first = select(write(tmp_path / "a.h5ad", content), positions, aliases, donors=True)
    rng = np.random.default_rng(1)
    content = content[rng.permutation(N_CELLS), rng.permutation(N_GENES)].copy()
    chunks = Counts.chunks
    monkeypatch.setattr(Counts, "chunks", lambda self, rows=None, size=4096: chunks(self, rows, 17))
    second = select(write(tmp_path / "b.h5ad", content), positions, aliases, donors=True)
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("log", [True, False])
def test_normalised_references_find_the_variable_genes(tmp_path: Path, positions, aliases, log: bool) -> None:
    content = reference()
    sc.pp.normalize_total(content, target_sum=1e4)
    if log:
        sc.pp.log1p(content)
    counts = write(tmp_path / "a.h5ad", content)
    assert counts.kind == ("log-normalised" if log else "normalised")
    chosen = select(counts, positions, aliases)["symbol"]
    assert chosen.isin([f"GENE{number}" for number in range(60)]).mean() > 0.6


def test_small_donors_are_pooled(tmp_path: Path) -> None:
    counts = write(tmp_path / "a.h5ad", reference())
    donors = np.array([f"D{number}" for number in range(N_CELLS)])
    donors[:200] = "large"
    assert standardised_variance(counts, np.arange(N_CELLS), donors).shape == (2, N_GENES)


def test_table_and_extra_genes(tmp_path: Path, positions, aliases) -> None:
    content = reference()
    content.var_names = ["CD3E", "FAM122A", "MT-CO1", *content.var_names[3:]]
    silent = np.ones(N_GENES, np.float32)
    silent[299] = 0
    content.X = sparse.csr_matrix(content.X.multiply(silent))
    counts = write(tmp_path / "a.h5ad", content)
    table = select(counts, positions, aliases, extra_genes=["ENSG00000198851.10", "PABIR1", "GENE299", "MT-CO1"])
    assert as_table(table, VOCABULARY).num_rows == len(table)
    assert table["token_id"].tolist() == list(range(len(table)))
    assert not table["symbol"].duplicated().any()
    assert "GENE299" in table["symbol"].tolist()[50:]
    row = table.set_index("symbol").loc["FAM122A"]
    assert (row["gene_id"], row["chromosome"]) == ("ENSG00000187866", "chr9")
    assert table.set_index("symbol").loc["MT-CO1", "chromosome"] == "chrM"
    assert align_genes(counts.genes, table, aliases).share == 1


def test_unknown_extra_genes_are_named(tmp_path: Path, positions, aliases) -> None:
    counts = write(tmp_path / "a.h5ad", reference())
    with pytest.raises(InputError, match=r"extra_genes: NOPE, ENSG00000000001 not among"):
        select(counts, positions, aliases, extra_genes=["GENE1", "NOPE", "ENSG00000000001"])


def test_constant_genes_are_never_chosen(tmp_path: Path, positions, aliases) -> None:
    content = reference()
    dense = content.X.toarray()
    dense[:, 20:] = 0
    dense[:, 30] = 3
    content.X = sparse.csr_matrix(dense)
    assert len(select(write(tmp_path / "a.h5ad", content), positions, aliases)) == 20
    content.X = sparse.csr_matrix(dense * 0)
    with pytest.raises(InputError, match="no gene varies"):
        select(write(tmp_path / "b.h5ad", content), positions, aliases)


def test_ids_and_symbols_are_completed(positions, aliases) -> None:
    genes = pd.DataFrame(
        [("ENSG00000141510", "ENSG00000141510"), ("SEPT9", None), ("Y_RNA", None), ("PABIR1", None), ("FAM122A", None)],
        columns=["symbol", "gene_id"],
        dtype=object,
    )
    named = describe_genes(genes, positions, aliases)
    assert named["symbol"].tolist() == ["TP53", "SEPT9", "Y_RNA", "PABIR1", "FAM122A"]
    assert named["gene_id"].tolist() == ["ENSG00000141510", "ENSG00000184640", None, "ENSG00000187866", None]
    assert named["start"].notna().tolist() == [True, True, False, True, False]


def test_cells_without_label_are_left_out(tmp_path: Path) -> None:
    content = reference()
    content.obs["cell_type"] = pd.Categorical(np.where(np.arange(N_CELLS) < 10, None, content.obs["cell_type"]))
    content.obs["donor"] = content.obs["donor"].where(np.arange(N_CELLS) != 20)
    rows, labels, donors = labelled_cells(write(tmp_path / "a.h5ad", content), label="cell_type", donor="donor")
    assert rows.tolist() == list(range(10, N_CELLS))
    assert set(labels) == {"A", "B"}
    assert donors[10] == ""


def test_missing_columns_are_named(tmp_path: Path) -> None:
    counts = write(tmp_path / "a.h5ad", reference())
    with pytest.raises(InputError, match=r"no column 'type'. Set reference\.label to one of its columns: cell_type"):
        labelled_cells(counts, label="type")
    with pytest.raises(InputError, match=r"no column 'patient'. Set reference\.donor"):
        labelled_cells(counts, label="cell_type", donor="patient")


def test_more_genes_than_token_ids_are_refused(tmp_path: Path, positions, aliases) -> None:
    counts = write(tmp_path / "a.h5ad", reference())
    with pytest.raises(InputError, match=r"vocabulary: n_genes 65535 and 1 extra_genes .* Lower n_genes"):
        select(counts, positions, aliases, n_genes=65_535, extra_genes=["GENE1"])


def test_a_symbol_is_taken_once_however_many_ids_have_it(tmp_path: Path, positions, aliases) -> None:
    content = reference()
    ids = [f"ENSG{number:011d}" for number in range(900_000, 900_000 + N_GENES)]
    content.var_names = ["GENE0", "GENE0", *content.var_names[2:]]
    content.var["gene_ids"] = ids
    table = select(write(tmp_path / "a.h5ad", content), positions, aliases, n_genes=N_GENES, extra_genes=ids[:2])
    assert table["symbol"].tolist().count("GENE0") == 1
    assert table["token_id"].tolist() == list(range(len(table)))
