"""Fuzz the readers: damage good files at random; each has to be read or rejected with an InputError.

Good samples of every form (.h5ad, .zarr, 10x .h5, 10x folder) and a small model bundle are damaged in their bytes
(flipped, cut, zeroed, copied elsewhere) or in their structure (attributes, shapes, types and values of HDF5 datasets,
values of JSON files and of text). A child process, forked from one that has imported everything, opens what comes out
as the jobs do: quality control and alignment of a sample, check and load of a bundle. A crash of the interpreter, no
answer within thirty seconds (twice; the library itself gives up on a file after five of processor time), MemoryError or
any other exception than InputError is a finding. Findings of one kind and place are counted together; the first input
of each is kept in a folder beside the results, and `--replay NUMBER` runs an input again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "scripts"), str(HERE.parent / "helpers"), str(HERE)]

import fuzz_damage  # noqa: E402 (the path comes first)

TIME_LIMIT = 30.0  # seconds
MEMORY = 2 * 2**30  # bytes beyond what the imports take
INPUTS_OF_A_CHILD = 300  # after which another is forked, so that nothing adds up
QC = {"min_genes": 1, "min_counts": 1, "max_mito_share": 1.0, "n_mads": 7, "doublets": False}
SHARES = {"csr": 4, "csc": 4, "dense": 2, "zarr2": 2, "zarr3": 2, "tenx": 4, "mtx": 3, "bundle": 2}
GENES = [f"GENE{i}" for i in range(40)]
RIGHT = {"read", "rejected", "not made"}


def write_seeds(folder: Path) -> None:
    """A good input of each kind, each in a folder of its name."""
    from small_files import FORMS
    from small_reference import LABELS, counts_of, make_bundle

    counts = counts_of([*LABELS * 4], seed=1)
    for name, write in FORMS.items():
        (folder / name).mkdir(parents=True)
        write(folder / name, counts, [f"cell{i}" for i in range(counts.shape[0])], GENES)
    (folder / "work").mkdir()
    make_bundle(folder / "work").rename(folder / "bundle")
    shutil.rmtree(folder / "work")


def read_seeds(folder: Path) -> dict[str, dict[str, bytes]]:
    """The files of each good input by their path below its folder."""
    files = {kind: sorted(path for path in kind.rglob("*") if path.is_file()) for kind in sorted(folder.iterdir())}
    return {
        kind.name: {str(path.relative_to(kind)): path.read_bytes() for path in paths} for kind, paths in files.items()
    }


def import_all() -> None:
    """What the children need, once. Nothing is computed: threads do not survive a fork."""
    import anndata.io  # noqa: F401
    import pyarrow.csv  # noqa: F401
    import zarr  # noqa: F401

    import cellcohort.bundle.model_bundle
    import cellcohort.genes.align_sample as alignment
    import cellcohort.qc.check_sample  # noqa: F401
    from cellcohort.inputs.resources import gene_aliases, mouse_orthologs

    # The alias tables are not what is damaged, and to read them takes longer than all the rest.
    few = {"gene_aliases": gene_aliases().head(50), "mouse_orthologs": mouse_orthologs().head(50)}
    for name, table in few.items():
        if hasattr(alignment, name):
            setattr(alignment, name, lambda table=table: table)


def open_sample_file(path: Path) -> str:
    """Quality control and alignment, as the jobs of a sample do them."""
    import pandas as pd

    from cellcohort.genes.align_sample import align_sample
    from cellcohort.qc.check_sample import check_sample

    sample = {"sample_id": "S", "patient_id": "P", "path": str(path)}
    _, record = check_sample(sample, str(path), QC)
    words = {"token_id": range(len(GENES)), "gene_id": None, "symbol": GENES}
    _, status = align_sample(sample, str(path), pd.DataFrame(words), record, min_share=0.5)
    return "read" if status["status"] == "ok" else "rejected"


def open_bundle(folder: Path) -> str:
    """The check of the plan, and everything that annotation loads."""
    from functools import cached_property

    from cellcohort.bundle.model_bundle import Bundle
    from cellcohort.core.errors import InputError

    try:
        bundle = Bundle.open(folder)
        for name, value in vars(Bundle).items():
            if isinstance(value, cached_property):
                getattr(bundle, name)
    except InputError:
        return "rejected"
    return "read"


def make_input(number: int, seed: int, seeds: dict[str, dict[str, bytes]], folder: Path) -> tuple[str, Path, list[str]]:
    """Write input `number` into an empty folder: its kind, the path to open, and what was done to it."""
    rng = random.Random(f"{seed}-{number}")
    kind = rng.choices([*SHARES], [*SHARES.values()])[0]
    for name, content in seeds[kind].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    done = fuzz_damage.damage(folder, rng)
    if kind == "bundle":
        if rng.random() < 0.7:
            resign(folder, seeds[kind])
        return kind, folder, done
    top = next(iter(seeds[kind])).split("/")[0]
    return kind, folder / top, done


def resign(folder: Path, files: dict[str, bytes]) -> None:
    """Put the checksums of the damaged files where those of the good ones stood: what a checksum hides is looked at."""
    changed = {}
    for name, content in files.items():
        if (folder / name).is_file() and (folder / name).read_bytes() != content:
            changed[sha256(content).hexdigest()] = sha256((folder / name).read_bytes()).hexdigest()
    for path in folder.glob("*.json"):
        text = path.read_bytes()
        for old, new in changed.items():
            text = text.replace(old.encode(), new.encode())
        path.write_bytes(text)


def try_input(
    number: int, seed: int, seeds: dict[str, dict[str, bytes]], folder: Path, tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Make an input, tell what it is, and open it: its outcome, or the exception that escaped.

    Damage to a damaged HDF5 file may crash or hold the library before there is an input: "not made".
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        kind, path, done = make_input(number, seed, seeds, folder)
    except Exception as error:
        return {"number": number, "outcome": "not made", "kind": "?", "done": [repr(error)]}
    record = {"number": number, "kind": kind, "done": done}
    tell(record)
    try:
        outcome = open_bundle(path) if kind == "bundle" else open_sample_file(path)
    except BaseException as error:  # whatever it is, it is a finding
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "cellcohort" in frame.filename]
        place = f"{frames[-1].filename.rpartition('cellcohort/')[2]}:{frames[-1].lineno}" if frames else "?"
        text = "".join(traceback.format_exception(error))[-4000:]
        return record | {"outcome": type(error).__name__, "place": place, "traceback": text}
    return record | {"outcome": outcome}


def child(pipe: Connection, seed: int, seeds: dict[str, dict[str, bytes]], folder: Path) -> None:
    """Try the numbers that come in; say first which, then how it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1), os.dup2(quiet, 2)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (number := pipe.recv()) is not None:
        pipe.send(try_input(number, seed, seeds, folder, pipe.send))


class Child:
    """A child process and the input that it works on."""

    def __init__(self, seed: int, seeds: dict[str, dict[str, bytes]], folder: Path) -> None:
        self.folder = folder
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=child, args=(theirs, seed, seeds, folder), daemon=True)
        self.process.start()
        theirs.close()
        self.left, self.number, self.since = INPUTS_OF_A_CHILD, -1, 0.0
        self.made: dict[str, Any] | None = None

    def start(self, number: int) -> None:
        """Hand on an input."""
        self.number, self.since, self.left, self.made = number, time.monotonic(), self.left - 1, None
        self.pipe.send(number)

    def result(self) -> dict[str, Any] | None:
        """What became of the input; None while it is not known."""
        late = time.monotonic() - self.since > TIME_LIMIT
        if self.pipe.poll():
            try:
                record = self.pipe.recv()
            except EOFError:
                self.process.join()
                return self._broken(f"crash ({self.process.exitcode})")
            if "outcome" in record:
                return record
            self.made, self.since = record, time.monotonic()
        elif late:
            self.end()
            return self._broken("hang")
        return None

    def _broken(self, outcome: str) -> dict[str, Any]:
        if self.made is None:
            return {"number": self.number, "outcome": "not made"}
        return self.made | {"outcome": outcome, "place": "?"}

    @property
    def is_spent(self) -> bool:
        """Whether another child should take its place."""
        return self.left <= 0 or not self.process.is_alive()

    def end(self) -> None:
        """Stop the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Findings:
    """Counts of outcomes, and the first of each kind of finding with its files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.outcomes, self.found = folder, Counter(), {}

    def add(self, record: dict[str, Any], files: Path) -> None:
        """Count an outcome; keep the files of the first finding of its kind."""
        self.outcomes[record["outcome"]] += 1
        if record["outcome"] in RIGHT:
            return
        key = f"{record['outcome']} in {record['place']} ({record['kind']})"
        if key in self.found:
            self.found[key]["times"] += 1
            return
        self.found[key] = record | {"times": 1}
        print(f"found: {key}: input {record['number']}: {', '.join(record['done'])}", flush=True)
        kept = self.folder / re.sub(r"\W+", "_", key)[:100]
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(files, kept)


def fuzz(minutes: float, seed: int, workers: int, seeds: dict[str, dict[str, bytes]], findings: Findings) -> int:
    """Try inputs until the time is over; returns their number."""
    until, number = time.monotonic() + 60 * minutes, 0
    retried: set[int] = set()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as work:
        children = [Child(seed, seeds, Path(work) / str(place)) for place in range(workers)]
        for one in children:
            one.start(number)
            number += 1
        while any(one.number >= 0 for one in children):
            wait([one.pipe for one in children if one.number >= 0], timeout=0.5)
            for place, one in enumerate(children):
                record = one.result() if one.number >= 0 else None
                if record is None:
                    continue
                again = record["outcome"] == "hang" and one.number not in retried
                if not again:  # on a busy machine a good input can take as long, once
                    findings.add(record, one.folder)
                if one.is_spent:
                    one.end()
                    one = children[place] = Child(seed, seeds, one.folder)
                if again:
                    retried.add(record["number"])
                    one.start(record["number"])
                    continue
                one.number = -1
                if time.monotonic() < until:
                    one.start(number)
                    number += 1
        for one in children:
            one.end()
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="JSON file for the results; the inputs that were found lie beside it")
    parser.add_argument("--replay", type=int, help="run this input alone, and show what it raises")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        made = multiprocessing.get_context("spawn").Process(target=write_seeds, args=(Path(folder),))
        made.start()  # in a process of its own, whose threads are gone when the children are forked
        made.join()
        seeds = read_seeds(Path(folder))
    import_all()
    if arguments.replay is not None:
        with tempfile.TemporaryDirectory() as folder:
            record = try_input(arguments.replay, arguments.seed, seeds, Path(folder) / "input", lambda record: None)
        print(record.pop("traceback", ""), json.dumps(record, indent=2))
        return
    kept = arguments.out.with_suffix("") if arguments.out else Path(tempfile.mkdtemp(prefix="fuzz"))
    findings = Findings(kept)
    start = time.monotonic()
    n_inputs = fuzz(arguments.minutes, arguments.seed, arguments.workers, seeds, findings)
    seconds = time.monotonic() - start
    print(f"{n_inputs} inputs in {seconds:.0f} s: {dict(findings.outcomes)}")
    print(f"{len(findings.found)} kinds of findings" + (f", their files in {kept}" if findings.found else ""))
    if arguments.out:
        content = {"seed": arguments.seed, "n_inputs": n_inputs, "seconds": round(seconds), "findings": findings.found}
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(content | {"outcomes": dict(findings.outcomes)}, indent=2) + "\n")
    sys.exit(bool(findings.found))


if __name__ == "__main__":
    main()
