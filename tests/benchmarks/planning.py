"""Time and memory of planning a cohort of thousands, against the same jobs with no function behind them.

    python tests/benchmarks/planning.py --out planning.json --samples 10000

A dry run of our workflow and one of a bare Snakefile in turn. The bare one has the same jobs with the same inputs,
outputs, logs and benchmarks, read off our own plan of one sample: literal paths and wildcards, no resources, no params,
no messages. Each sample is a patient of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from snakemake.jobs import Job

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))

from tiny_cohort import REPO, write_cells, write_config
from workflow_plan import plan

ONE = "OneSample"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        measured = measure(Path(folder), options.samples, options.repeats)
    options.out.write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))


def measure(folder: Path, n_samples: int, repeats: int) -> dict:
    """Seconds and MiB of both plans (the fastest of `repeats`), and their ratio."""
    write_samples(folder, [ONE])
    jobs = list(plan(folder).jobs)
    (folder / "Bare").write_text(bare_snakefile(jobs, [ONE]))
    if len(list(plan(folder, folder / "Bare", ()).jobs)) != len(jobs):
        raise SystemExit("the bare Snakefile plans other jobs than ours")
    names = [f"S{i:06d}" for i in range(n_samples)]
    write_samples(folder, names)
    (folder / "Bare").write_text(bare_snakefile(jobs, names))
    runs = {
        "ours": ["--snakefile", str(REPO / "Snakefile"), "--configfile", "config.yaml"],
        "bare": ["--snakefile", "Bare"],
    }
    found = {name: [] for name in runs}
    for _ in range(repeats):
        for name, arguments in runs.items():
            found[name].append(dry_run(folder, arguments))
    best = {name: {key: min(run[key] for run in done) for key in done[0]} for name, done in found.items()}
    return {
        "samples": n_samples,
        **best,
        **{f"ratio_{key}": best["ours"][key] / best["bare"][key] for key in ("seconds", "cpu_seconds")},
    }


def write_samples(folder: Path, names: list[str]) -> None:
    """A working directory whose samples are hard links to one tiny file."""
    (folder / "cells").mkdir(exist_ok=True)
    if not (folder / "tiny.h5ad").exists():
        write_cells(folder / "tiny.h5ad")
        write_cells(folder / "reference.h5ad")
    write_config(folder)
    for name in names:
        path = folder / "cells" / f"{name}.h5ad"
        if not path.exists():
            os.link(folder / "tiny.h5ad", path)
    lines = ["sample_id\tpatient_id\tpath", *(f"{name}\t{name}\tcells/{name}.h5ad" for name in names)]
    (folder / "samples.tsv").write_text("\n".join(lines) + "\n")


def bare_snakefile(jobs: list[Job], names: list[str]) -> str:
    """A Snakefile with these jobs for many samples and nothing else."""
    rules = [_bare_rule(job) for job in sorted(jobs, key=lambda job: job.rule.name != "cohort")]
    return f"SAMPLES = {names}\n\n\n" + "\n\n\n".join(rules) + "\n"


def _bare_rule(job: Job) -> str:
    by_sample = any(ONE in path for path in job.output)
    sections = {"input": _paths(job.input, by_sample), "output": _paths(job.output, True)}
    sections["log"] = _paths(job.log, True)
    sections["benchmark"] = _paths([job.benchmark] if job.benchmark else [], True)
    lines = [f"    {name}: {', '.join(paths)}" for name, paths in sections.items() if paths]
    return "\n".join([f"rule {job.rule.name}:", *lines, "    shell: 'true'" if job.output else ""]).rstrip()


def _paths(paths: Iterable[str], by_sample: bool) -> list[str]:
    """The paths as Python text: of the rule's sample, or of all samples."""
    return [_path(str(path), by_sample) for path in dict.fromkeys(paths)]


def _path(path: str, by_sample: bool) -> str:
    pattern = repr(path.replace(ONE, "{sample}"))
    return pattern if by_sample or ONE not in path else f"expand({pattern}, sample=SAMPLES)"


def dry_run(folder: Path, arguments: list[str]) -> dict[str, float]:
    """Seconds and peak MiB of a dry run."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "--workflow-profile", "none", *arguments]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": cpu_seconds,
        "peak_mib": usage.ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
