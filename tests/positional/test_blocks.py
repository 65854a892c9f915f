"""Blocks along the genome show an altered one, and nothing else does."""

import numpy as np
import pytest

from cellcohort.positional.blocks import Genome, _pairs, block_scores


@pytest.fixture(scope="module")
def genome(genomes) -> Genome:
    return Genome(genomes.symbols.astype(str), genomes.chromosomes.astype(str), np.full(len(genomes.symbols), 5_000.0))


@pytest.fixture(scope="module")
def healthy(genomes) -> np.ndarray:
    return np.stack([genomes.cells(name, 100, seed=7).sum(0) for name in ("alpha", "beta")])


def score(genomes, healthy, genome, name, **given) -> np.ndarray:
    groups = [genomes.cells(name, 5, seed=seed, **given).sum(0) for seed in range(20)]
    return block_scores(np.stack(groups), healthy, genome)


@pytest.mark.parametrize("name", ["alpha", "delta"])
def test_healthy_cells_of_a_known_and_of_an_unknown_type_stay_low(genomes, healthy, genome, name):
    assert np.quantile(score(genomes, healthy, genome, name), 0.9) < 3


@pytest.mark.parametrize("name", ["alpha", "delta"])
def test_five_cells_with_two_altered_chromosomes_stand_out_whatever_their_type(genomes, healthy, genome, name):
    z = score(genomes, healthy, genome, name, gained=["chr2"], lost=["chr5"])
    assert z.min() > 5


def test_genes_of_one_chromosome_in_another_order_show_no_block(genomes, healthy, genome):
    order = np.random.default_rng(0).permutation(len(genomes.symbols))
    altered = np.stack([genomes.cells("alpha", 5, gained=["chr2"], lost=["chr5"], seed=s).sum(0) for s in range(10)])
    shuffled = block_scores(altered[:, order], healthy[:, order], genome)
    assert shuffled.max() < 4


def test_a_group_is_not_compared_with_the_type_that_is_left_out(genomes, healthy, genome):
    sums = np.stack([genomes.cells("alpha", 5, seed=s).sum(0) for s in range(5)])
    without = block_scores(sums, healthy, genome, without=np.zeros(5, int))
    np.testing.assert_array_equal(without, block_scores(sums, healthy[1:], genome))


def test_a_group_does_not_depend_on_the_others(genomes, healthy, genome):
    sums = np.stack([genomes.cells("alpha", 5, seed=s).sum(0) for s in range(5)])
    together = block_scores(sums, healthy, genome)
    np.testing.assert_allclose(together[2:3], block_scores(sums[2:3], healthy, genome), rtol=1e-5)


def test_too_few_genes_or_no_counts_are_not_judged(genomes, healthy, genome):
    few = Genome(genome.symbol[:1000], genome.chromosome[:1000], genome.length[:1000])
    sums = genomes.cells("alpha", 5).sum(0)[None]
    assert np.isnan(block_scores(sums[:, :1000], healthy[:, :1000], few)).all()
    assert np.isnan(block_scores(np.zeros_like(sums), healthy, genome)).all()


def test_pairs_are_those_of_the_distance_asked_for():
    x = np.random.default_rng(0).normal(size=(3, 120))
    expected = sum((x[:, apart:] * x[:, :-apart]).sum(1) for apart in range(5, 81))
    np.testing.assert_allclose(_pairs(x), expected)
