"""Plant the faults of planted_faults.py one at a time and see which the tests of their own package do not notice.

Each is planted in a copy of the working tree, in which those tests then run. `make mutants` runs all; a few of them are
planted by the suite itself (tests/test_mutants.py). Ends with 1 if a fault survives.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from planted_faults import FAULTS, Fault

REPO = Path(__file__).resolve().parents[2]
NOT_COPIED = (".git", ".venv", ".*_cache", ".hypothesis", ".snakemake", "__pycache__", "results", "*.h5ad")
CAUGHT, SURVIVED, STALE, BROKEN = "caught", "survived", "stale", "broken"
PASSED, FAILED, NOT_COLLECTED = 0, 1, 2  # exit codes of pytest


def problem_of(fault: Fault, repo: Path = REPO) -> str | None:
    """Why a fault cannot be planted; None if it can."""
    path = repo / fault.path
    if not path.is_file():
        return "there is no such file"
    found = path.read_text().count(fault.old)
    if found != 1:
        return f"its old text occurs {found} times"
    return "it changes nothing" if fault.new == fault.old else None


def copy_tree(folder: Path) -> Path:
    """A copy of the working tree, without what git ignores."""
    return Path(shutil.copytree(REPO, folder, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True))


@contextmanager
def planted(fault: Fault, repo: Path):
    """The fault in a copy of the tree, as long as the block lasts."""
    path = repo / fault.path
    text = path.read_text()
    path.write_text(text.replace(fault.old, fault.new))
    try:
        yield
    finally:
        path.write_text(text)


def run_tests(repo: Path, tests: list[str], *, timeout: float) -> tuple[int | None, str]:
    """Exit code of pytest (None: it took too long) and the end of what it printed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", *tests]
    quiet = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        cwd=repo,
        env=os.environ | quiet,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return None, f"no end after {timeout:.0f} s"
    return process.returncode, "\n".join(said.splitlines()[-15:])


def judge(fault: Fault, repo: Path, *, timeout: float) -> dict:
    """What becomes of a fault: caught, survived, stale (it cannot be planted) or broken (its tests do not run)."""
    record = {"file": fault.path, "breaks": fault.breaks, "tests": " ".join(fault.own_tests)}
    problem = problem_of(fault, repo)
    if problem:
        return record | {"outcome": STALE, "seconds": 0.0, "said": problem}
    start = time.monotonic()
    with planted(fault, repo):
        code, said = run_tests(repo, fault.own_tests, timeout=timeout)
    outcomes = {PASSED: SURVIVED, FAILED: CAUGHT, NOT_COLLECTED: CAUGHT, None: CAUGHT}
    outcome = outcomes.get(code, BROKEN)
    if code == FAILED:
        said = next((line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))), said)
    return record | {"outcome": outcome, "seconds": round(time.monotonic() - start, 1), "said": said}


def check_unchanged(faults: list[Fault], repo: Path, *, timeout: float) -> list[str]:
    """The tests that fail without any fault: what they catch proves nothing."""
    failing = []
    for tests in dict.fromkeys(tuple(fault.own_tests) for fault in faults):
        code, said = run_tests(repo, list(tests), timeout=timeout)
        if code != PASSED:
            failing.append(" ".join(tests))
            print(f"These tests fail without a fault: {' '.join(tests)}\n{said}", flush=True)
    return failing


def plant_all(faults: list[Fault], *, workers: int, timeout: float) -> list[dict]:
    """Judge every fault, several at a time in copies of their own; prints as it goes."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(workers):
            copies.put(copy_tree(Path(folder) / f"copy{number}" / "repository"))

        def run(fault: Fault) -> dict:
            repo = copies.get()
            try:
                record = judge(fault, repo, timeout=timeout)
            finally:
                copies.put(repo)
            print(f"{record['outcome']:8} {record['seconds']:6.1f} s  {fault.path}: {fault.breaks}", flush=True)
            return record

        return list(pool.map(run, faults))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    parser.add_argument("--only", default="", help="faults whose file or text holds this")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=1800, help="seconds, after which a fault counts as caught")
    parser.add_argument("--unchecked", action="store_true", help="do not run the tests without a fault first")
    arguments = parser.parse_args()
    faults = [fault for fault in FAULTS if arguments.only in f"{fault.path}: {fault.breaks}"]
    failing: list[str] = []
    if not arguments.unchecked:
        with tempfile.TemporaryDirectory() as folder:
            failing = check_unchanged(faults, copy_tree(Path(folder) / "repository"), timeout=arguments.timeout)
    records = plant_all(faults, workers=arguments.workers, timeout=arguments.timeout)
    counts = Counter(record["outcome"] for record in records)
    print(f"\n{counts[CAUGHT]} of {len(records)} faults were caught.")
    missed = [record for record in records if record["outcome"] != CAUGHT]
    for record in missed:
        print(f"{record['outcome']}: {record['file']}: {record['breaks']} ({record['tests']})\n{record['said']}")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        content = {"counts": dict(counts), "failing_without_a_fault": failing, "faults": records}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")
    sys.exit(bool(missed or failing))


if __name__ == "__main__":
    main()
