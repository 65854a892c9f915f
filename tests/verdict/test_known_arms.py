from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.verdict.known_arms import LIMIT, known_arm_evidence, read_known_arms

ARMS = [f"chr{number}{arm}" for number in range(1, 23) for arm in "pq"]
CELLS = pd.DataFrame({"lineage": ["A"], "cnv_call": ["aneuploid"], "clone": ["clone 1"]})
KNOWN = {"chr1p": -1, "chr19q": -1}


def group(calls: dict[str, int], **ids: str | None) -> pd.DataFrame:
    ids = {"lineage": "A", "cnv_call": "aneuploid", "clone": "clone 1"} | ids
    return pd.DataFrame({"arm": ARMS, "call": [calls.get(arm, 0) for arm in ARMS]}).assign(**ids)


def test_arms_are_read_and_contradictions_left_out():
    assert read_known_arms(["1p-,19q-", "7p+, 1p-"]) == {"chr1p": -1, "chr19q": -1, "chr7p": 1}
    assert read_known_arms(["8q+", "8q-,Xq-"]) == {"chrXq": -1}


def test_a_group_with_just_these_arms_is_the_tumour():
    assert known_arm_evidence(CELLS, group(KNOWN), KNOWN)[0] == LIMIT


def test_a_group_without_them_is_not():
    assert known_arm_evidence(CELLS, group({}), KNOWN)[0] < -4
    assert known_arm_evidence(CELLS, group({"chr1p": 1, "chr19q": 1}), KNOWN)[0] < -4


def test_arms_of_a_group_that_lost_half_of_all_tell_little():
    everywhere = group(dict.fromkeys(ARMS[::2], -1) | KNOWN)
    assert 0 < known_arm_evidence(CELLS, everywhere, KNOWN)[0] < 2


@pytest.mark.parametrize(
    ("arms", "known"),
    [(group(KNOWN), {}), (group(KNOWN)[:0], KNOWN), (group(KNOWN, lineage="B"), KNOWN), (group({})[5:9], KNOWN)],
    ids=["nothing known", "no group described", "another group", "not measured"],
)
def test_without_knowledge_there_is_no_evidence(arms, known):
    assert known_arm_evidence(CELLS, arms, known) == np.zeros(1)


def test_a_group_without_a_clone_is_found():
    cells = CELLS.assign(cnv_call="diploid", clone=None)
    assert known_arm_evidence(cells, group({}, cnv_call="diploid", clone=None), KNOWN)[0] < -4
