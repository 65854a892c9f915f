from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.verdict.decision import REASONS, SOURCES, VERDICTS, assign_verdicts

POWER = {"strong": 6.0, "weak": 1.0, "none": 0.0, "against": -6.0}


def verdict(probability: float, *, is_ood: bool = False, too_few: bool = False, **evidence: float) -> tuple[str, str]:
    table = pd.DataFrame([{name: evidence.get(name.replace(" ", "_"), 0.0) for name in SOURCES}])
    flags = {"is_ood": np.array([is_ood]), "too_few": np.array([too_few])}
    return tuple(assign_verdicts(np.array([probability]), table, **flags).iloc[0])


@pytest.mark.parametrize("source", SOURCES)
def test_the_strongest_sign_is_the_reason(source):
    name = source.replace(" ", "_")
    assert verdict(0.95, is_ood=True, **{"clone": 2.0, name: 5.0}) == ("malignant", source)


def test_each_verdict():
    assert verdict(0.05) == ("normal", "reference type")
    assert verdict(0.05, is_ood=True) == ("unexplained", "unlike the reference")
    assert verdict(0.4, is_ood=True) == ("unexplained", "unlike the reference")
    assert verdict(0.4) == ("unsure", "below the limit")
    assert verdict(0.4, too_few=True) == ("unsure", "too few counts")
    assert verdict(0.7, is_ood=True, positional=3.0) == ("unsure", "below the limit")


def test_nothing_is_malignant_without_a_sign():
    assert verdict(0.99, is_ood=True) == ("unsure", "below the limit")


@pytest.mark.parametrize("probability", [0.01, 0.5, 0.99])
def test_blocks_of_a_cell_with_diploid_arms_are_a_conflict(probability):
    assert verdict(probability, positional=4.0, arms=-6.0) == ("unsure", "conflict")


def test_every_cell_has_one_verdict_and_one_reason():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.choice(list(POWER.values()), (2000, len(SOURCES))), columns=list(SOURCES))
    flags = {name: rng.random(2000) < 0.5 for name in ("is_ood", "too_few")}
    found = assign_verdicts(rng.random(2000), table, **flags)
    assert set(found["verdict"]) == set(VERDICTS)
    assert set(found["reason"]) <= set(REASONS)
    assert len(found) == 2000
