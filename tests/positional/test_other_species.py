"""Blocks of a mouse sample on human healthy types, and the other way round."""

from dataclasses import dataclass

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.genes.positions import place_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_positions, mouse_orthologs
from cellcohort.positional.evidence import altered
from cellcohort.positional.healthy_types import HealthyTypes
from cellcohort.positional.measure_sample import measure_cells
from cellcohort.positional.null_distribution import NullDistribution
from cellcohort.positional.other_species import MOST_SHARED, in_species_of, shared_by_all

N_GENES, N_CELLS = 5_000, 60
PLACES = {"human": gene_positions("hg38"), "mouse": gene_positions("GRCm39")}


@dataclass(frozen=True)
class Pair:
    """Cells of one species whose genes are orthologs of a reference of the other."""

    own: str
    symbols: np.ndarray
    chromosome: pd.Series
    rate: np.ndarray
    healthy: HealthyTypes

    def measure(self, path, changed: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
        """Normal cells, and as many whose given chromosomes of their own genome are gained; and which these are."""
        rng, gained = np.random.default_rng(2), self.chromosome.isin(changed).to_numpy()
        parts = [rng.poisson(6_000 * rate / rate.sum(), (N_CELLS, N_GENES)) for rate in self._rates(gained)]
        obs = pd.DataFrame(index=[f"cell{i:03d}" for i in range(2 * N_CELLS)])
        matrix = sparse.csr_matrix(np.concatenate(parts).astype(np.float32))
        ad.AnnData(matrix, obs=obs, var=pd.DataFrame(index=self.symbols)).write_h5ad(path)
        other = "human" if self.own == "mouse" else "mouse"
        given = {"positions": PLACES[other], "vocabulary": np.arange(0, N_GENES, 2)}
        table = measure_cells(open_counts(path), np.arange(2 * N_CELLS), self.healthy, **given)
        return table, np.repeat([False, True], N_CELLS)

    def _rates(self, gained: np.ndarray) -> list[np.ndarray]:
        state = np.random.default_rng(3).lognormal(0, 0.5, N_GENES)  # another type: genes wherever they lie
        return [self.rate * state, self.rate * np.where(gained, 1.5, 1.0)]


@pytest.fixture(scope="module", params=["mouse", "human"])
def pair(request) -> Pair:
    own, rng = request.param, np.random.default_rng(0)
    table = mouse_orthologs()
    table = table[~table["symbol"].duplicated(keep=False) & ~table["mouse_symbol"].duplicated(keep=False)]
    mine, theirs = ("mouse_symbol", "symbol") if own == "mouse" else ("symbol", "mouse_symbol")
    placed = table[table[mine].isin(place_genes(table[mine].tolist(), PLACES[own])["symbol"])]
    chosen = placed.iloc[np.sort(rng.choice(len(placed), N_GENES, replace=False))]
    chromosome = chosen[mine].map(PLACES[own].drop_duplicates("symbol").set_index("symbol")["chromosome"])
    rate = rng.gamma(2, 1, N_GENES)
    counts = np.stack([rate, rate * rng.lognormal(0, 0.5, N_GENES)]) * 200
    healthy = HealthyTypes(["a", "b"], chosen[theirs].tolist(), counts, NullDistribution())
    return Pair(own, chosen[mine].to_numpy(), chromosome, rate, healthy)


def test_chromosomes_of_the_samples_own_genome_are_found(pair, tmp_path):
    table, carriers = pair.measure(tmp_path / "s.h5ad", ["chr2", "chr5", "chr7", "chr11"])
    assert altered(table)[carriers].mean() == 1
    assert altered(table)[~carriers].mean() == 0


def test_without_an_event_there_is_no_evidence(pair, tmp_path):
    table, _ = pair.measure(tmp_path / "s.h5ad", [])
    assert table["pvalue"].notna().all()
    assert not altered(table).any()


def test_genes_that_share_an_ortholog_are_left_out():
    table = mouse_orthologs()
    several = table[table["symbol"].duplicated(keep=False)]
    single = table[~table["symbol"].isin(several["symbol"]) & ~table["mouse_symbol"].duplicated(keep=False)].head(300)
    symbols = [several["symbol"].iloc[0], "NOSUCHGENE", *single["symbol"]]
    counts = np.arange(2 * len(symbols)).reshape(2, -1)
    mouse = pd.DataFrame({"symbol": table["mouse_symbol"], "gene_id": None})
    found = in_species_of(HealthyTypes(["a", "b"], symbols, counts, NullDistribution()), mouse)
    assert found.symbols == single["mouse_symbol"].tolist()
    np.testing.assert_array_equal(found.counts, counts[:, 2:])


def test_types_of_the_samples_own_species_are_taken_as_they_are():
    symbols = PLACES["human"]["symbol"].tolist()
    healthy = HealthyTypes(["a"], symbols, np.ones((1, len(symbols))), NullDistribution())
    assert in_species_of(healthy, pd.DataFrame({"symbol": symbols, "gene_id": None})) is None
    assert in_species_of(healthy, pd.DataFrame({"symbol": ["1", "2"], "gene_id": None})) is None


def test_what_all_cells_share_is_no_evidence():
    normal = np.linspace(2, 4, 101)
    assert shared_by_all(normal) == pytest.approx(2.5)
    assert shared_by_all(normal - 5) == 0, "cells more alike than their null are no reason to add evidence"
    assert shared_by_all(normal + 20) == MOST_SHARED, "a tumour alone keeps the rest"
    assert shared_by_all(np.append(normal, np.nan)) == pytest.approx(2.5)
    assert shared_by_all(np.full(3, np.nan)) == 0
