"""Groups are refused by the arms on which they differ from safer cells, the worst one first."""

from __future__ import annotations

import numpy as np
import pytest
from cnv_patients import ARMS, positions

from cellcohort.cnv.normals.arm_agreement import Candidates, disagreements, is_safe
from cellcohort.cnv.settings import Settings
from cellcohort.genes.chromosome_arms import lay_out_arms
from cellcohort.genes.positions import place_genes

GENES = place_genes(positions()["symbol"], positions())
LAYOUT = lay_out_arms(GENES, ARMS)


def sums(*altered: bool, depth: float = 3e5) -> np.ndarray:
    """Summed counts of groups, of which some carry four arms."""
    rng = np.random.default_rng(1)
    rate = rng.lognormal(0, 1, len(GENES))
    dosage = np.ones(LAYOUT.n_arms)
    dosage[[0, 3]], dosage[[6, 9]] = 0.5, 1.5
    means = [rate * (dosage[LAYOUT.arm] if one else 1) for one in altered]
    return np.stack([rng.poisson(depth * mean / mean.sum()) for mean in means]).astype(float)


def refused(labels, altered, healthy=None) -> set[int]:
    return set(disagreements(Candidates(labels, sums(*altered), healthy or {}), LAYOUT, Settings()))


@pytest.mark.parametrize("label", ["T_cell", "CD4 T", "NK", "Macrophage", "endothelial", "Plasma cell", "B", "Mast"])
def test_blood_and_vessels_are_safe(label) -> None:
    assert is_safe(label)


@pytest.mark.parametrize("label", ["Fibroblast", "Epithelial", "ductal", "alpha", "Oligodendrocyte", "Hepatocyte"])
def test_others_are_not(label) -> None:
    assert not is_safe(label)


def test_groups_that_agree_are_kept() -> None:
    assert refused(["T_cell", "Fibroblast", "Fibroblast"], [False] * 3) == set()


def test_the_altered_group_of_a_label_is_refused() -> None:
    assert refused(["Fibroblast", "Fibroblast", "T_cell"], [False, True, False]) == {1}
    assert refused(["Macrophage", "Macrophage", "T_cell", "Fibroblast"], [True, False, False, False]) == {0}


def test_a_safe_label_wins_over_another_one() -> None:
    assert refused(["Fibroblast", "T_cell"], [True, False]) == {0}


def test_of_two_labels_neither_is_trusted() -> None:
    assert refused(["Fibroblast", "alpha"], [True, False]) == {0, 1}


def test_healthy_cells_settle_it() -> None:
    healthy = {"Fibroblast": sums(False)[0], "alpha": sums(False)[0]}
    assert refused(["Fibroblast", "alpha"], [True, False], healthy) == {0}


def test_an_only_label_that_splits_is_refused() -> None:
    assert refused(["alpha", "alpha"], [True, False]) == {0, 1}
    assert refused(["alpha"] * 4, [False, True, False, False]) == {1}
    assert refused(["alpha"], [True]) == set(), "there is nothing to compare it with"
