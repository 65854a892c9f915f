"""Names of genes: dates, species, repeats, rows that are no genes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.genes.alignment import align_genes
from cellcohort.genes.date_names import is_date, symbol_of_date
from cellcohort.genes.gene_name_notes import name_notes, shown_beside
from cellcohort.genes.named_species import named_species, species_conflict
from cellcohort.genes.non_gene_rows import non_gene_note, non_genes
from cellcohort.inputs.resources import GENOMES, gene_aliases, gene_positions


def genes(symbols: list[str], ids: list[str | None] | None = None) -> pd.DataFrame:
    return pd.DataFrame({"symbol": symbols, "gene_id": ids or [None] * len(symbols)}, dtype=object)


def vocabulary(symbols: list[str], ids: list[str | None] | None = None) -> pd.DataFrame:
    return genes(symbols, ids).assign(token_id=np.arange(len(symbols), dtype=np.int32))


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("2-Sep", "SEPT2"),
        ("02-SEP", "SEPT2"),
        ("Sep-02", "SEPT2"),
        ("2021-09-02", "SEPT2"),
        ("2021-09-02 00:00:00", "SEPT2"),
        ("11. Sep", "SEPT11"),
        ("15-Sep", "SEP15"),
        ("7-Mar", "MARCH7"),
        ("03. Mrz", "MARCH3"),
        ("1-Dec", "DEC1"),
        ("1-Mar", None),
        ("2021-03-02", None),
        ("44256", None),
    ],
)
def test_a_date_is_told_and_read_where_it_is_certain(name: str, symbol: str | None) -> None:
    assert is_date(name)
    assert symbol_of_date(name) == symbol


@pytest.mark.parametrize("name", ["SEPT2", "MARCH1", "DEC1", "1-CYS", "30-Sep", "900", "44001", "2021-01-02"])
def test_other_names_are_no_dates(name: str) -> None:
    assert not is_date(name)
    assert symbol_of_date(name) is None


@pytest.mark.parametrize("genome", GENOMES.values())
def test_no_symbol_is_taken_for_a_date_or_a_row_that_is_no_gene(genome: str) -> None:
    symbols = gene_positions(genome)["symbol"]
    assert not symbols.map(is_date).any()
    assert not non_genes(symbols).any()


def test_dates_are_matched_both_ways() -> None:
    table = align_genes(
        genes(["2-Sep", "1-Mar", "9-Mar"]), vocabulary(["SEPTIN2", "MARCHF1", "MARCH9"]), gene_aliases()
    )
    assert table.table["query_genes"].tolist() == [["2-Sep"], [], ["9-Mar"]]
    table = align_genes(genes(["SEPTIN2"]), vocabulary(["2-Sep"]), gene_aliases())
    assert table.table["match"].tolist() == ["alias"]


def test_dates_are_noted() -> None:
    query, wanted = genes(["CD3D", "CD3E", "2-Sep", "1-Mar"]), vocabulary(["SEPTIN2", "CD3D"])
    alignment = align_genes(query, wanted, gene_aliases())
    (note,) = name_notes(query, alignment, "human")
    assert "2 gene names are dates" in note
    assert "what 1-Mar stands for is not certain, so 1 are left out" in note
    assert "so 2 are left out" in name_notes(query, alignment, "mouse")[0]


def test_numbers_alone_are_no_dates() -> None:
    query = genes([str(number) for number in range(44256, 44270)])
    assert name_notes(query, align_genes(query, vocabulary(["CD3D"]), gene_aliases()), "human") == []


def test_repeated_names_are_noted_above_what_a_10x_reference_holds() -> None:
    symbols = [f"GENE{i}" for i in range(300)]
    for repeated, noted in ((3, False), (4, True)):
        query = genes([*symbols, *symbols[:repeated]])
        notes = name_notes(query, align_genes(query, vocabulary(symbols), gene_aliases()), "human")
        assert bool(notes) is noted
    assert notes[0].startswith("4 gene names of the vocabulary occur more than once in the file (GENE0, GENE1, GENE2)")


def test_genes_of_one_symbol_and_different_ids_are_not_summed_and_not_noted() -> None:
    query = genes(["A", "A"], ["ENSG00000000001", "ENSG00000000002"])
    alignment = align_genes(query, vocabulary(["A"], ["ENSG00000000001"]), gene_aliases())
    assert name_notes(query, alignment, "human") == []


def symbols_of(species: str) -> list[str]:
    return gene_positions(GENOMES[species])["symbol"].iloc[::40].tolist()


@pytest.mark.parametrize(
    ("names", "species"),
    [
        (symbols_of("human"), "human"),
        (symbols_of("mouse"), "mouse"),
        ([name.upper() for name in symbols_of("mouse")], "mouse"),
        ([name.capitalize() for name in symbols_of("human")], "human"),
        ([name.lower() for name in symbols_of("human")], None),
        ([f"Gene{i:04d}" for i in range(100)], "mouse"),
        (["Cd3d", "Cd3e"], None),
        ([str(number) for number in range(100)], None),
    ],
)
def test_symbols_tell_the_species(names: list[str], species: str | None) -> None:
    assert named_species(genes(names)) == species


@pytest.mark.parametrize(
    ("prefix", "species"), [("ENSG", "human"), ("ENSMUSG", "mouse"), ("ENSRNOG", "ENSRNO"), ("ENSGALG", "ENSGAL")]
)
def test_ids_tell_the_species_before_symbols(prefix: str, species: str) -> None:
    symbols = symbols_of("human")
    assert named_species(genes(symbols, [f"{prefix}{i:011d}" for i in range(len(symbols))])) == species


def test_only_a_conflict_with_the_sheet_is_one() -> None:
    human, mouse = symbols_of("human"), symbols_of("mouse")
    assert species_conflict(genes(human), vocabulary(human), "human") is None
    assert species_conflict(genes(mouse), vocabulary(human), "mouse") is None
    assert species_conflict(genes(mouse), vocabulary(mouse), "human") is None
    assert "Set species = mouse" in species_conflict(genes(mouse), vocabulary(human), "human")
    assert "Set species = human" in species_conflict(genes(human), vocabulary(human), "mouse")
    rat = [f"ENSRNOG{i:011d}" for i in range(30)]
    assert "neither of human nor of mouse" in species_conflict(genes(rat, rat), vocabulary(human), "human")
    assert species_conflict(genes(rat, rat), vocabulary(rat, rat), "human") is None


def test_names_are_shown_beside_those_wanted() -> None:
    said = shown_beside(genes(["1", "2"]), vocabulary(["CD3D"], ["ENSG00000167286"]))
    assert said == "The file's genes are called 1, 2; the vocabulary's CD3D (ENSG00000167286)."
    assert shown_beside(genes([]), vocabulary(["CD3D"])) == "The file has no genes."


def test_rows_that_are_no_genes() -> None:
    names = ["ERCC-00002", "AB_CD3", "HTO-A", "__ambiguous", "N_unmapped", "CD4_TotalSeqB", "ERCC1", "ABI1", "NEGR1"]
    assert non_genes(pd.Series(names)).tolist() == [True] * 6 + [False] * 3
    assert non_gene_note(pd.Series(names)).startswith("6 rows are no genes")
    assert non_gene_note(pd.Series(["ERCC1"])) is None
