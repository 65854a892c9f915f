"""Genes of a patient's files by one name, and files that would take the genes from the others."""

from __future__ import annotations

import pandas as pd
import pytest

from cellcohort.genes.shared_genes import gene_names, share_genes

HUMAN = pd.DataFrame({"symbol": [*(f"GENE{i}" for i in range(90)), "C1orf112", "SEPTIN2"]})
MOUSE = pd.DataFrame({"symbol": [f"Gene{i}" for i in range(90)]})


def genes(symbols) -> pd.DataFrame:
    return pd.DataFrame({"symbol": list(symbols), "gene_id": None}, dtype=object)


def test_genes_are_named_by_id_where_both_know_it() -> None:
    file = pd.DataFrame({"symbol": ["old", "B"], "gene_id": ["ENSG1", None]})
    table = pd.DataFrame({"symbol": ["new", "B"], "gene_id": ["ENSG1", "ENSG2"]})
    assert gene_names(file, table).tolist() == ["new", "B"]


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
def test_letters_do_not_matter(spelled) -> None:
    names = gene_names(genes(map(spelled, HUMAN["symbol"])), HUMAN)
    assert names.tolist() == HUMAN["symbol"].tolist()


def test_the_same_letters_come_first() -> None:
    table = pd.DataFrame({"symbol": ["AA", "Aa", "BB", "CC"]})
    assert gene_names(genes(["Aa", "AA", "aA"]), table).tolist()[:2] == ["Aa", "AA"]


@pytest.mark.parametrize(("file", "table"), [(MOUSE, HUMAN), (HUMAN, MOUSE)])
def test_genes_of_another_species_have_no_place(file, table) -> None:
    assert not set(gene_names(genes(file["symbol"]), table)) & set(table["symbol"])


def test_an_outdated_symbol_is_replaced_where_files_differ() -> None:
    old = genes([*HUMAN["symbol"][:90], "SEPT2"])
    new = genes(HUMAN["symbol"])
    assert "SEPTIN2" in share_genes({"a": old, "b": new}, HUMAN).shared
    assert "SEPT2" in share_genes({"a": old}, HUMAN).shared, "one file keeps its names"
    both = genes([*HUMAN["symbol"], "SEPT2"])
    assert "SEPT2" in share_genes({"a": both, "b": new}, HUMAN).names[0], "the file has the current symbol, too"


@pytest.mark.parametrize(("number", "joins"), [(30, False), (31, True)])
def test_a_file_of_few_genes_is_left_out(number, joins) -> None:
    found = share_genes({"panel": genes(HUMAN["symbol"][:number]), "whole": genes(HUMAN["symbol"])}, HUMAN)
    assert found.joined == [joins, True]
    assert len(found.shared) == (number if joins else 92)
    assert found.n_placed == [number, 92]


def test_files_that_have_little_in_common_do_not_empty_each_other() -> None:
    parts = {"a": genes(HUMAN["symbol"][:60]), "b": genes(HUMAN["symbol"][45:]), "c": genes(HUMAN["symbol"][:59])}
    found = share_genes(parts, HUMAN)
    assert found.joined == [True, False, True]
    turned = share_genes(dict(reversed(parts.items())), HUMAN)
    assert turned.joined == [True, False, True]
    assert turned.shared == found.shared


def test_the_healthy_reference_never_leaves_a_sample_out() -> None:
    small, whole = genes(HUMAN["symbol"][:20]), genes(HUMAN["symbol"])
    assert share_genes({"a": small}, HUMAN, healthy=whole).joined == [True, True]
    assert share_genes({"a": whole}, HUMAN, healthy=small).joined == [True, False]


def test_no_files_share_nothing() -> None:
    assert share_genes({}, HUMAN).shared == []
    nothing = share_genes({"a": genes(["x"]), "b": genes(["y"])}, HUMAN)
    assert nothing.joined == [True, True]
