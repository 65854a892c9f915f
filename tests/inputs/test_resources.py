"""The tables in resources/ and their loaders."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from cellcohort.core.errors import InputError
from cellcohort.inputs import resources

FOLDER = Path(__file__).resolve().parents[2] / "resources"


def test_known_genes_lie_where_they_should() -> None:
    positions = resources.gene_positions("hg38").set_index("gene_id")
    assert positions.loc["ENSG00000141510", ["symbol", "chromosome"]].tolist() == ["TP53", "chr17"]
    assert 7_660_000 < positions.loc["ENSG00000141510", "start"] < 7_670_000
    mouse = resources.gene_positions("GRCm39").set_index("gene_id")
    assert mouse.loc["ENSMUSG00000059552", ["symbol", "chromosome"]].tolist() == ["Trp53", "chr11"]


@pytest.mark.parametrize("genome", ["hg38", "GRCm39"])
def test_positions_are_complete(genome: str) -> None:
    positions = resources.gene_positions(genome)
    assert not positions["gene_id"].duplicated().any()
    assert positions["chromosome"].str.startswith("chr").all()
    assert (positions["start"] < positions["end"]).all()
    assert (positions["symbol"] != "").all()
    assert (positions["chromosome"] == "chrM").sum() == 37


@pytest.mark.parametrize("genome", ["hg38", "GRCm39"])
def test_every_autosome_has_a_long_arm(genome: str) -> None:
    arms = resources.chromosome_arms(genome)
    assert {f"chr{number}" for number in range(1, 20)} <= set(arms.loc[arms["arm"] == "q", "chromosome"])
    assert (arms["start"] < arms["end"]).all()


def test_aliases_are_unambiguous() -> None:
    aliases = resources.gene_aliases()
    current = set(resources.gene_positions()["symbol"].str.upper()) | set(aliases["symbol"].str.upper())
    assert not aliases["alias"].duplicated().any()
    assert not set(aliases["alias"]) & current
    assert set(aliases["kind"]) == {"previous", "alias"}
    assert aliases.set_index("alias").loc["FAM122A", ["symbol", "kind"]].tolist() == ["PABIR1", "previous"]


def test_orthologs_know_what_capitals_do_not() -> None:
    orthologs = resources.mouse_orthologs()
    assert not orthologs["mouse_gene_id"].duplicated().any()
    assert orthologs.set_index("mouse_symbol").loc["Cd8b1", "symbol"] == "CD8B"


def test_one_gene_per_symbol_drops_what_is_ambiguous() -> None:
    positions = pd.DataFrame(
        [
            ("E1", "A", "chr1", 1, 2, "lncRNA"),
            ("E2", "A", "chr2", 1, 2, "protein_coding"),
            ("E3", "Y_RNA", "chr1", 1, 2, "misc_RNA"),
            ("E4", "Y_RNA", "chr3", 1, 2, "misc_RNA"),
            ("E6", "PAR", "chrX", 1, 2, "protein_coding"),
            ("E5", "PAR", "chrY", 1, 2, "protein_coding"),
            ("E7", "Y", "chrY", 1, 2, "protein_coding"),
        ],
        columns=["gene_id", "symbol", "chromosome", "start", "end", "biotype"],
    )
    table = resources.one_gene_per_symbol(positions).set_index("symbol")["gene_id"]
    assert table.to_dict() == {"A": "E2", "PAR": "E6", "Y": "E7"}


def test_files_are_small_and_carry_no_time() -> None:
    for path in FOLDER.glob("*.gz"):
        assert path.stat().st_size < 2_000_000
        assert path.read_bytes()[4:8] == bytes(4)
        assert gzip.decompress(path.read_bytes()).split(b"\n", 1)[0].count(b"\t") >= 3


def test_missing_table_is_named() -> None:
    with pytest.raises(InputError, match="gene_positions_hg19"):
        resources.gene_positions("hg19")


def test_genome_of_genes() -> None:
    none = pd.Series([None, None, None], dtype=object)
    human = pd.DataFrame({"symbol": ["CD3E", "C1orf43", "MT-ND1"], "gene_id": none})
    mouse = pd.DataFrame({"symbol": ["Cd3e", "Gapdh", "mt-Nd1"], "gene_id": none})
    ids = pd.DataFrame({"symbol": ["ENSMUSG00000059552"], "gene_id": ["ENSMUSG00000059552"]})
    assert [resources.genome_of(genes) for genes in (human, mouse, ids)] == ["hg38", "GRCm39", "GRCm39"]
