"""The tests notice faults: all that are listed can be planted, and a few are, each of which a quick test has to see."""

from __future__ import annotations

import pytest
from mutants import CAUGHT, copy_tree, judge, problem_of
from planted_faults import FAULTS, Fault

QUICK = [fault for fault in FAULTS if fault.quick]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the working tree."""
    return copy_tree(tmp_path_factory.mktemp("copy") / "repository")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.breaks)
def test_every_fault_can_be_planted(fault):
    assert problem_of(fault) is None, "correct or replace this entry of tests/benchmarks/planted_faults.py"
    assert fault.breaks


def test_there_are_faults_in_every_part():
    assert len(FAULTS) >= 60
    assert len({fault.breaks for fault in FAULTS}) == len(FAULTS)
    parts = {fault.path.split("/")[2] for fault in FAULTS if fault.path.count("/") > 2} | {
        fault.path.split("/")[0] for fault in FAULTS if fault.path.count("/") < 3
    }
    packages = "core inputs outputs reference genes qc model classifier ood bundle annotation cnv cohort report"
    assert parts >= {*packages.split(), "scripts", "workflow"}
    assert len(QUICK) >= 12


@pytest.mark.parametrize("fault", QUICK, ids=lambda fault: fault.breaks)
def test_a_planted_fault_is_noticed(fault, copy):
    assert judge(fault._replace(tests=fault.quick), copy, timeout=60)["outcome"] == CAUGHT


def test_what_changes_nothing_survives_and_what_is_not_there_is_stale(copy):
    harmless = Fault(
        "core/files.py", '"""Read a JSON object; what', '"""Read JSON; what', "nothing", "tests/core/test_files.py"
    )
    assert judge(harmless, copy, timeout=60)["outcome"] == "survived"
    assert judge(harmless._replace(old="no such text"), copy, timeout=60)["outcome"] == "stale"
    assert (
        judge(harmless._replace(tests="tests/core/test_files.py -k no_such_test"), copy, timeout=60)["outcome"]
        == "broken"
    )
