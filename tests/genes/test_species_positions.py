"""The genome on which a file's genes have their places is that of its own species."""

from __future__ import annotations

import pandas as pd
import pytest

from cellcohort.genes.species_positions import own_positions, species_of
from cellcohort.inputs.resources import gene_positions

HUMAN, MOUSE = gene_positions("hg38"), gene_positions("GRCm39")


def genes(table: pd.DataFrame, n: int = 500) -> pd.DataFrame:
    chosen = table[table["biotype"] == "protein_coding"].head(n)
    return pd.DataFrame({"symbol": chosen["symbol"].to_numpy(), "gene_id": None}, dtype=object)


@pytest.mark.parametrize(("file", "given", "wanted"), [(HUMAN, MOUSE, HUMAN), (MOUSE, HUMAN, MOUSE)])
def test_genes_of_another_species_have_places_of_their_own(file, given, wanted) -> None:
    pd.testing.assert_frame_equal(own_positions(genes(file), given), wanted)


@pytest.mark.parametrize("file", [HUMAN, MOUSE])
def test_a_users_places_of_the_same_species_stay(file) -> None:
    table = file.head(2_000)[["symbol", "chromosome", "start", "end"]]
    assert own_positions(genes(file), table) is table


def test_names_that_tell_no_species_stay_with_the_given_places() -> None:
    unknown = pd.DataFrame({"symbol": [f"{i}" for i in range(100)], "gene_id": None}, dtype=object)
    assert species_of(unknown) is None
    assert own_positions(unknown, MOUSE) is MOUSE
    rat = pd.DataFrame({"symbol": "x", "gene_id": [f"ENSRNOG{i:011d}" for i in range(100)]})
    assert own_positions(rat, HUMAN) is HUMAN


def test_ids_decide_where_symbols_are_capitals() -> None:
    named = MOUSE.head(500).assign(symbol=lambda table: table["symbol"].str.upper())
    assert species_of(named) == "mouse"
