"""The catalogue of odd inputs: each has the outcome that its case states, and the reason says why."""

from __future__ import annotations

import pytest
from odd_inputs import catalogue
from odd_inputs.case import run_plan, run_sample, size_of

SAMPLES = [case for case in catalogue() if case.outcome in ("read", "rejected")]
PLANS = [case for case in catalogue() if case.outcome in ("planned", "stopped")]


@pytest.mark.parametrize("case", SAMPLES, ids=lambda case: case.name)
def test_a_sample_is_read_or_rejected_with_a_reason(case, tmp_path):
    row = case.make(tmp_path)
    outcome, said = run_sample(row, tmp_path)
    assert outcome == case.outcome, said
    assert case.says in "\n".join(said)
    if case.holds is not None:
        assert size_of(row, tmp_path) == pytest.approx(case.holds)


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_a_plan_stops_where_its_input_is_wrong(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case.make(tmp_path)
    outcome, said = run_plan()
    assert outcome == case.outcome, said
    assert case.says in "\n".join(said)


def test_names_are_unique():
    names = [case.name for case in catalogue()]
    assert len(set(names)) == len(names)
