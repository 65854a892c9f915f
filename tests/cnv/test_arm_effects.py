"""Groups against a reference, single cells against a pattern."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cnv_patients import ARMS, patient, positions

from cellcohort.cnv.arm_counts import gene_weights
from cellcohort.cnv.arm_effects import compare, group_sums, weighted_median
from cellcohort.cnv.likelihood import carrier_log_odds, false_discovery, pattern_llr
from cellcohort.genes.chromosome_arms import lay_out_arms
from cellcohort.genes.positions import place_genes

GENES = place_genes(positions()["symbol"], positions())
LAYOUT = lay_out_arms(GENES, ARMS)


def sums(adata) -> dict[str, np.ndarray]:
    names, codes = np.unique(adata.obs["group"], return_inverse=True)
    counts = adata.X[:, GENES["column"].to_numpy()]
    return dict(zip(names, group_sums(counts, codes, len(names)), strict=True))


def test_an_event_is_seen_in_size_and_sign() -> None:
    groups = sums(patient({"T": 60, "T/1": 60}, {"T/1": {"1p": 0.5, "3q": 1.5}}))
    effects = compare(groups["T/1"], groups["T"], LAYOUT)
    table = pd.Series(effects.log2_ratio, LAYOUT.names)
    assert table["1p"] == pytest.approx(-1, abs=0.15)
    assert table["3q"] == pytest.approx(np.log2(1.5), abs=0.15)
    calls = pd.Series(effects.call_arms(min_effect=0.25, min_z=5), LAYOUT.names)
    assert calls[calls != 0].to_dict() == {"1p": -1, "3q": 1}


def test_many_gains_do_not_lower_the_other_arms() -> None:
    gained = ["1p", "1q", "2p", "3q", "5q"]
    groups = sums(patient({"T": 100, "T/1": 100}, {"T/1": dict.fromkeys(gained, 1.5)}, seed=3))
    table = pd.Series(compare(groups["T/1"], groups["T"], LAYOUT).log2_ratio, LAYOUT.names)
    assert table.drop(gained).mean() == pytest.approx(0, abs=0.04)
    assert table[gained].mean() == pytest.approx(np.log2(1.5), abs=0.06)


@pytest.mark.parametrize("seed", range(5))
def test_another_cell_type_shows_no_arm(seed) -> None:
    groups = sums(patient({"A": 60, "B": 60, "C": 60}, seed=seed))
    effects = compare(groups["A"], np.stack([groups["B"], groups["C"]]), LAYOUT)
    assert not effects.call_arms(min_effect=0.25, min_z=5).any()
    assert np.sqrt(np.mean(effects.z**2)) < 1.8


def test_a_trend_with_gene_density_is_no_event() -> None:
    groups = sums(patient({"T": 60, "T/x": 60}))
    tilted = groups["T/x"] * np.exp2(0.8 * LAYOUT.covariates[:, 1])
    assert np.abs(compare(tilted, groups["T"], LAYOUT).log2_ratio).max() < 0.25


def test_a_group_without_counts_has_no_effects() -> None:
    effects = compare(np.zeros(len(GENES)), np.ones((1, len(GENES))), LAYOUT)
    assert np.isnan(effects.z).all()
    assert not effects.call_arms(min_effect=0.25, min_z=5).any()


def test_weighted_median() -> None:
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.ones(3)) == 2
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([10.0, 1, 1])) == 3
    assert weighted_median(np.array([4.0, 1.0, 3.0, 2.0]), np.ones(4)) == 2, "no mean of two values"


def test_bursting_genes_weigh_less() -> None:
    adata = patient({"T": 200})
    counts = adata.X.tolil()
    counts[::20, 5] = 50
    weights = gene_weights(counts.tocsr(), np.zeros(200, dtype=int), 1)
    assert weights[5] < 0.2
    assert np.median(weights) > 0.6


def test_pattern_llr_against_the_definition() -> None:
    from scipy.stats import nbinom

    rng = np.random.default_rng(0)
    share, spread, factor = np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.2, 0.05]), np.array([0.5, 1.0, 1.5])
    counts = rng.poisson(200 * share, (6, 3)).astype(float)
    changed = share * factor / (share * factor).sum()
    depth = counts.sum(axis=1, keepdims=True)

    def density(mean):
        return nbinom.logpmf(counts, 1 / spread, 1 / (1 + spread * mean)).sum(axis=1)

    expected = density(depth * changed) - density(depth * share)
    assert pattern_llr(counts, share[None], spread[None], factor) == pytest.approx(expected)


def test_carrier_odds_follow_the_share_of_carriers() -> None:
    llr = np.array([12.0] * 30 + [-12.0] * 70)
    assert 1 / (1 + np.exp(-carrier_log_odds(llr))) == pytest.approx(0.3, abs=0.01)


def test_false_discovery_is_conservative_and_monotone() -> None:
    rng = np.random.default_rng(0)
    null = rng.normal(-5, 2, 400)
    llr = np.concatenate([rng.normal(-5, 2, 500), rng.normal(8, 2, 100), [np.nan]])
    estimate = false_discovery(llr, null)
    assert np.isnan(estimate[-1])
    order = np.argsort(-llr[:-1])
    assert (np.diff(estimate[order]) >= 0).all()
    called = estimate[:-1] <= 0.05
    assert called[500:].mean() > 0.95
    assert called[:500].sum() / called.sum() <= 0.05


def test_several_references_count_by_their_geometric_mean() -> None:
    one = sums(patient({"T": 200}))["T"]
    other = np.where(LAYOUT.arm == 0, 4.0, 1.0) * one
    table = pd.Series(compare(one, np.stack([one, other]), LAYOUT).log2_ratio, LAYOUT.names)
    assert table["1p"] == pytest.approx(-1, abs=0.05)


def test_a_false_discovery_rate_is_never_zero() -> None:
    assert false_discovery(np.array([5.0]), np.full(99, -1.0)).tolist() == [0.01]
    assert false_discovery(np.array([5.0, -2.0]), np.array([5.0, -1.0, -1.0])).tolist() == [1.0, 1.0]
