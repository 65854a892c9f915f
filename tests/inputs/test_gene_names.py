"""Symbols, ids and genomes are told from joined names, and names that only look like such stay as they are."""

from __future__ import annotations

import numpy as np
import pytest

from cellcohort.inputs.gene_names import gene_frame, species_of_genome

GENUINE = [
    *["HLA-A", "MT-CO1", "RP11-34P13.7", "hsa_circ_1", "hsa-mir-21", "7SK", "IGHV3-30", "AC000001.1", "Y_RNA", "U6"],
    *["NKX2-1-AS1", "H2-K1", "mt-Nd1", "MOUSE", "human_x", "GRCh38_x", "ENSA", "BCR|ABL1", "CD3D_1", "T", "1-Mar"],
]


def frame(*names: str, **columns: list[str]) -> list[list[str | None]]:
    values = np.array(names, dtype=object)
    table = gene_frame(values, index=values, **{name: np.array(column, object) for name, column in columns.items()})
    return [table[column].tolist() for column in ("symbol", "gene_id", "genome")]


def test_genuine_names_stay():
    assert frame(*GENUINE) == [GENUINE, [None] * len(GENUINE), [""] * len(GENUINE)]


@pytest.mark.parametrize("part", ["U", "A", "I", "intron", "unspliced"])
def test_parts_of_a_gene_are_no_symbols(part):
    name = f"ENSG00000167286-{part}"
    assert frame(name) == [[name], [None], [""]]


@pytest.mark.parametrize(
    ("name", "symbol", "gene_id"),
    [
        ("ENSG00000167286.10_CD3D", "CD3D", "ENSG00000167286"),
        ("HLA-A_ENSG00000206503", "HLA-A", "ENSG00000206503"),
        ("ENSG00000202198_7SK", "7SK", "ENSG00000202198"),
        ("ENSG00000202198.7SK", "7SK", "ENSG00000202198"),
        ("ENSG00000228572.7_PAR_Y", "ENSG00000228572", "ENSG00000228572"),
        ("ENSG00000228572.7_PAR_Y_AL954722.1", "AL954722.1", "ENSG00000228572"),
        ("ENSG00000241860_ENSG00000241860", "ENSG00000241860", "ENSG00000241860"),
        ("12_ENSG00000167286_CD3D", "CD3D", "ENSG00000167286"),
        ("ENSMUSG00000032094|Cd3d", "Cd3d", "ENSMUSG00000032094"),
        ("DEPRECATED_ENSG00000167286", "DEPRECATED_ENSG00000167286", None),
    ],
)
def test_joined_names_are_told_apart(name, symbol, gene_id):
    assert frame(name) == [[symbol], [gene_id], [""]]


def test_joined_ids_and_symbols_of_other_columns_are_told_apart():
    found = frame("a", "ENSG00000000002", symbols=["", "ENSG00000000002_B"], ids=["ENSG00000000001.3|AB", ""])
    assert found == [["a", "B"], ["ENSG00000000001", "ENSG00000000002"], ["", ""]]


def test_genomes_in_front_are_taken_off_where_most_names_have_one():
    names = ["GRCh38_CD3D", "mm10___Cd3d", "hg19-MT-CO1", "EGFP"]
    assert frame(*names) == [["CD3D", "Cd3d", "MT-CO1", "EGFP"], [None] * 4, ["GRCh38", "mm10", "hg19", ""]]


def test_a_genome_that_the_file_states_is_taken_off():
    found = frame("Own_CD3D", "Own_CD3E", "AB1", genomes=["Own", "Own", ""])
    assert found == [["CD3D", "CD3E", "AB1"], [None] * 3, ["Own", "Own", ""]]
    assert frame("Own_CD3D", "CD3E", genomes=["Own", "Own"])[0] == ["Own_CD3D", "CD3E"]


@pytest.mark.parametrize(
    ("genome", "species"),
    [("GRCh38", "human"), ("hg19_premrna", "human"), ("GRCh38-2020-A", "human"), ("mm10", "mouse"), ("rn6", "rn6")],
)
def test_a_genome_has_a_species(genome, species):
    assert species_of_genome(genome) == species
