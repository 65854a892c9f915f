"""Chromosome names in every spelling, genes that are left out, arms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.cnv.genome import chromosome_names, lay_out_arms, natural_order, place_genes
from cellcohort.errors import InputError

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
    assert natural_order(["chr10", "chrX", "chr2"]) == ["chr2", "chr10", "chrX"]


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
