"""Chromosome names in every spelling, genes that are left out, arms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.core.errors import InputError
from cellcohort.genes.chromosome_arms import lay_out_arms
from cellcohort.genes.genome_tables import read_arms, read_positions
from cellcohort.genes.positions import chromosome_names, genome_order, place_genes
from cellcohort.inputs.resources import resource_path

TABLE = pd.DataFrame(
    {
        "symbol": ["A", "B", "C", "D", "E", "F", "HLA-A", "IGHG1", "TRAC", "MT-CO1", "X1", "A"],
        "chromosome": ["2", "chr10", "chr2", np.nan, "GL000194.1", "CHR1", "6", "14", "14", "MT", "X", "9"],
        "start": [200, 5, 100, 1, 1, np.nan, 1, 1, 1, 1, 1, 1],
        "end": [300, 9, 150, 2, 2, 5, 2, 2, 2, 2, 2, 2],
    }
)


def test_spellings_of_a_chromosome_are_one() -> None:
    names = chromosome_names(pd.Series(["1", "chr1", "Chr1", 1, "1.0", "MT", None, "nan", ""]))
    assert names.iloc[:6].tolist() == ["chr1"] * 5 + ["chrM"]
    assert names.iloc[6:].isna().all()


def test_chromosomes_and_arms_in_the_order_of_the_genome() -> None:
    chromosomes = [*(f"chr{number}" for number in range(1, 39)), "chrW", "chrX", "chrY", "chrZ"]
    arms = [f"{name}{arm}" for name in [*range(1, 23), "X", "Y"] for arm in "pq"]
    for names in (chromosomes, arms, ["1", "2a", "2B", "10", "arm 1", "Mq", "tip", "Xp"]):
        assert genome_order(np.random.default_rng(0).permutation(names)) == names


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_only_placed_autosomal_dosage_genes_stay(dtype) -> None:
    genes = place_genes([*"ABCDEF", "HLA-A", "IGHG1", "TRAC", "MT-CO1", "X1", "unknown"],
                        TABLE.astype({"chromosome": dtype}))  # fmt: skip
    assert genes["symbol"].tolist() == ["C", "A", "B"]
    assert genes["column"].tolist() == [2, 0, 1]


def test_sex_chromosomes_can_be_asked_for() -> None:
    assert place_genes(["X1"], TABLE, exclude_chromosomes=())["chromosome"].tolist() == ["chrX"]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="start"):
        place_genes(["A"], TABLE.drop(columns="start"))
    with pytest.raises(InputError, match="arm"):
        lay_out_arms(place_genes(["A"], TABLE), pd.DataFrame({"chromosome": [], "start": [], "end": []}))


@pytest.mark.parametrize(
    ("name", "separator"), [("p.tsv", "\t"), ("p.tsv.gz", "\t"), ("p.csv", ","), ("p.csv.gz", ",")]
)
def test_a_users_positions(tmp_path, name, separator) -> None:
    TABLE.assign(gene_id="ENSG1").to_csv(tmp_path / name, sep=separator, index=False)
    table = read_positions(tmp_path / name)
    assert place_genes([*"ABCDEF"], table)["symbol"].tolist() == ["C", "A", "B"]


def test_a_users_arms(tmp_path) -> None:
    arms = pd.DataFrame({"chr": ["1", "1"], "arm": ["p", "q"], "start": [0, 300], "end": [300, 600]})
    arms.to_csv(tmp_path / "arms.tsv", sep="\t", index=False)
    genes = pd.DataFrame({"chromosome": "chr1", "start": np.arange(60) * 10, "end": np.arange(60) * 10 + 4})
    assert lay_out_arms(genes, read_arms(tmp_path / "arms.tsv")).names == ["1p", "1q"]


@pytest.mark.parametrize("genome", ["hg38", "GRCm39"])
def test_the_genomes_that_come_along(genome) -> None:
    positions = read_positions(resource_path(f"gene_positions_{genome}.tsv.gz"))
    genes = place_genes(positions["symbol"].unique(), positions)
    layout = lay_out_arms(genes, read_arms(resource_path(f"chromosome_arms_{genome}.tsv")))
    assert layout.names[-1] == {"hg38": "22q", "GRCm39": "19q"}[genome]
    assert layout.n_arms == {"hg38": 41, "GRCm39": 19}[genome]
    assert (layout.arm >= 0).mean() > 0.95


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_positions, "symbol\tchromosome\tstart\nA\tchr1\t1\n", "columns: end missing"),
        (read_arms, "arm\tstart\tend\np\t1\t2\n", "columns: chromosome missing"),
        (read_arms, "chr\tarm\tstart\tend\n1\tp\t1\t2\n1\tq\tx\t2\n", "line 3, column start: 'x' is not a number"),
        (read_arms, "", "columns: chromosome, arm, start, end missing"),
    ],
)
def test_mistakes_in_a_users_table_are_named(tmp_path, read, content, message) -> None:
    (tmp_path / "table.tsv").write_text(content)
    with pytest.raises(InputError, match=f"table.tsv: .*{message}"):
        read(tmp_path / "table.tsv")


def test_arms_by_midpoint_with_small_arms_left_out() -> None:
    genes = pd.DataFrame({"chromosome": "chr1", "start": np.arange(60) * 10, "end": np.arange(60) * 10 + 4})
    arms = pd.DataFrame(
        {"chr": "1", "arm": ["p", "centromere", "q", "tip"], "start": [0, 250, 300, 550], "end": [250, 300, 550, 600]}
    )
    layout = lay_out_arms(genes.assign(symbol="g"), arms)
    assert layout.names == ["1p", "1q"]
    assert np.bincount(layout.arm + 1).tolist() == [10, 25, 25]


def test_halves_share_no_gene() -> None:
    genes = pd.DataFrame({"symbol": "g", "chromosome": "chr1", "start": np.arange(50), "end": np.arange(50) + 1})
    arms = pd.DataFrame({"chromosome": ["chr1"], "arm": ["q"], "start": [0], "end": [100]})
    one, other = (half.arm >= 0 for half in lay_out_arms(genes, arms).halves())
    assert not (one & other).any()
    assert (one | other).all()
