"""Matching of genes by id, symbol, previous and alias symbol, ortholog."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.genes.alignment import Alignment, align_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_aliases, mouse_orthologs
from cellcohort.outputs.parquet import read_frame, write_table
from cellcohort.outputs.schemas import GENES

ALIASES = pd.DataFrame(
    [
        ("OLD", "NEW", "ENSG00000000001", "previous"),
        ("OLDER", "NEW", "ENSG00000000001", "previous"),
        ("NICK", "NEW", "ENSG00000000001", "alias"),
        ("TWO", "FIRST", "", "alias"),
        ("TWO", "SECOND", "", "alias"),
        ("BOTH", "FIRST", "", "previous"),
        ("BOTH", "SECOND", "", "alias"),
        ("SECOND", "FIRST", "", "alias"),
        ("HLA-Z", "HLA-DZ", "", "previous"),
    ],
    columns=["alias", "symbol", "gene_id", "kind"],
)


def genes(*names: str | tuple[str, str | None]) -> pd.DataFrame:
    pairs = [(name, None) if isinstance(name, str) else name for name in names]
    return pd.DataFrame(pairs, columns=["symbol", "gene_id"], dtype=object)


def vocabulary(*names: str | tuple[str, str | None]) -> pd.DataFrame:
    return genes(*names).assign(token_id=np.arange(len(names), dtype=np.int32))


def matches(query: pd.DataFrame, wanted: pd.DataFrame, **options) -> list[tuple[str, list[str]]]:
    table = align_genes(query, wanted, ALIASES, **options).table
    return list(zip(table["match"], table["query_genes"], strict=True))


def test_id_comes_before_symbol() -> None:
    query = genes(("B", "ENSG00000000001"), ("A", "ENSG00000000002"))
    assert matches(query, vocabulary(("A", "ENSG00000000001"))) == [("id", ["B"])]


def test_symbol_is_used_when_ids_differ_between_releases() -> None:
    query = genes(("A", "ENSG00000000009"))
    assert matches(query, vocabulary(("A", "ENSG00000000001"))) == [("symbol", ["A"])]


@pytest.mark.parametrize(
    ("query", "wanted"), [("OLD", "NEW"), ("NEW", "OLD"), ("OLD", "OLDER"), ("old", "NEW"), ("NICK", "NEW")]
)
def test_previous_and_alias_symbols_work_both_ways(query: str, wanted: str) -> None:
    assert matches(genes("X", query), vocabulary(wanted)) == [("alias", [query])]


def test_case_and_the_point_of_r_do_not_matter() -> None:
    assert matches(genes("C1ORF43"), vocabulary("C1orf43"))[0][0] == "symbol"
    assert matches(genes("HLA.DRA", "HLA.Z"), vocabulary("HLA-DRA", "HLA-DZ")) == [
        ("alias", ["HLA.DRA"]),
        ("alias", ["HLA.Z"]),
    ]


@pytest.mark.parametrize(("query", "wanted"), [("TWO", "FIRST"), ("TWO", "SECOND"), ("SECOND", "FIRST")])
def test_ambiguous_aliases_match_nothing(query: str, wanted: str) -> None:
    assert matches(genes(query), vocabulary(wanted)) == [("missing", [])]


def test_previous_symbol_outweighs_an_alias() -> None:
    assert matches(genes("BOTH"), vocabulary("FIRST", "SECOND")) == [("alias", ["BOTH"]), ("missing", [])]


def test_several_query_genes_are_summed() -> None:
    alignment = align_genes(genes("X", "NEW", "OLD", "NEW"), vocabulary("Y", "NEW"), ALIASES)
    assert alignment.table["query_genes"].tolist() == [[], ["NEW", "OLD"]]
    rows = sparse.csr_matrix(np.array([[9, 1, 2, 4], [0, 0, 0, 0]], dtype=np.float32))
    projected = alignment.project(rows)
    assert projected.dtype == np.float32
    assert projected.toarray().tolist() == [[0, 7], [0, 0]]


def test_alias_is_not_added_to_a_gene_that_is_there() -> None:
    assert matches(genes("NEW", "NICK"), vocabulary("NEW")) == [("symbol", ["NEW"])]


def test_another_id_is_not_added_to_a_gene_found_by_id() -> None:
    query = genes(("A", "ENSG00000000001"), ("A", "ENSG00000000002"))
    assert matches(query, vocabulary(("A", "ENSG00000000001"))) == [("id", ["ENSG00000000001"])]


def test_order_of_query_genes_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    query, wanted = genes("X", "OLD", "NICK", "B", "C", "C"), vocabulary("C", "NEW", "B", "Z")
    rows = sparse.csr_matrix(rng.poisson(2, (5, 6)).astype(np.float32))
    order = rng.permutation(6)
    shuffled = query.iloc[order].reset_index(drop=True)
    first = align_genes(query, wanted, ALIASES).project(rows)
    second = align_genes(shuffled, wanted, ALIASES).project(rows[:, order])
    assert (first != second).nnz == 0


def test_mouse_through_orthologs_then_capitals() -> None:
    orthologs = pd.DataFrame(
        [
            ("ENSMUSG00000000001", "Cd8b1", "ENSG00000000001", "CD8B"),
            ("ENSMUSG00000000003", "Hba-a1", "ENSG00000000003", "HBA1"),
            ("ENSMUSG00000000004", "Hba-a2", "ENSG00000000003", "HBA1"),
        ],
        columns=["mouse_gene_id", "mouse_symbol", "gene_id", "symbol"],
    )
    query = genes("Cd8b1", "Hba-a1", "Hba-a2", "Newgene", "OLD")
    wanted = vocabulary("CD8B", ("HBA1", "ENSG00000000003"), "NEWGENE", "NEW")
    assert matches(query, wanted, species="mouse", orthologs=orthologs) == [
        ("ortholog", ["Cd8b1"]),
        ("ortholog", ["Hba-a1", "Hba-a2"]),
        ("ortholog", ["Newgene"]),
        ("missing", []),
    ]


def test_mouse_reference_needs_no_ortholog() -> None:
    query, wanted = genes("Cd8b1", ("Actb", "ENSMUSG00000029580")), vocabulary("Cd8b1", ("Actb", "ENSMUSG00000029580"))
    found = matches(query, wanted, species="mouse", orthologs=mouse_orthologs())
    assert [match for match, _ in found] == ["symbol", "id"]


def test_alignment_is_rebuilt_from_its_table(tmp_path) -> None:
    query = genes("X", "OLD", ("A", "ENSG00000000001"), ("A", "ENSG00000000002"), "C", "C")
    wanted = vocabulary("NEW", "C", ("A", "ENSG00000000002"), "Z")
    alignment = align_genes(query, wanted, ALIASES)
    write_table(tmp_path / "genes.parquet", alignment.table, GENES)
    again = Alignment.from_table(read_frame(tmp_path / "genes.parquet"), query)
    assert again.target.tolist() == alignment.target.tolist() == [-1, 0, -1, 2, 1, 1]
    assert again.share == alignment.share == 0.75


def test_nothing_to_match() -> None:
    alignment = align_genes(genes(), vocabulary("A", "B"), ALIASES)
    assert alignment.share == 0
    assert alignment.project(sparse.csr_matrix((3, 0), dtype=np.float32)).shape == (3, 2)


def test_aliases_close_the_gap_between_real_releases(shared_data) -> None:
    reference = open_counts(shared_data / "ovarian_qian2020.h5ad").genes
    query = open_counts(shared_data / "pbmc4k_soupx.h5ad").genes
    wanted = reference.assign(token_id=np.arange(len(reference), dtype=np.int32))
    by_symbol = align_genes(query, wanted, gene_aliases().iloc[:0]).share
    assert by_symbol < 0.97
    assert align_genes(query, wanted, gene_aliases()).share > 0.99


def mouse_vocabulary(*symbols: str) -> pd.DataFrame:
    return pd.DataFrame({"token_id": range(len(symbols)), "gene_id": None, "symbol": symbols}, dtype=object)


def named(*symbols: str) -> pd.DataFrame:
    return pd.DataFrame({"symbol": symbols, "gene_id": None}, dtype=object)


def test_a_human_sample_on_a_mouse_vocabulary() -> None:
    """LYZ is Lyz1 and Lyz2 in the mouse: the first of the vocabulary has its counts."""
    given = {"aliases": gene_aliases(), "orthologs": mouse_orthologs()}
    found = align_genes(named("CD3E", "LYZ", "MLL"), mouse_vocabulary("Lyz2", "Cd3e", "Kmt2a", "Lyz1"), **given).table
    assert found["query_genes"].tolist() == [["LYZ"], ["CD3E"], ["MLL"], []]
    assert found["match"].tolist() == ["ortholog", "symbol", "alias", "missing"]


@pytest.mark.parametrize("name", ["H2-Ab1", "h2-ab1"])
def test_mouse_symbols_however_they_are_spelled(name: str) -> None:
    given = {"aliases": gene_aliases(), "species": "mouse", "orthologs": mouse_orthologs()}
    on_human = align_genes(named(name, "cd3e"), mouse_vocabulary("HLA-DQB1", "CD3E"), **given).table
    assert on_human["match"].tolist() == ["ortholog", "ortholog"]
    on_mouse = align_genes(named(name, "cd3e"), mouse_vocabulary("H2-Ab1", "Cd3e"), **given).table
    assert on_mouse["match"].tolist() == ["symbol", "symbol"]
