"""Hours of a large cohort on a cluster: what Snakemake adds to each step, and how long the steps take.

    python tests/benchmarks/cluster_groups.py --out cluster_groups.json --samples 10 1000 10000

On a cluster every step and every group of steps is started by a Snakemake of its own, which reads the config and the
whole sheet. Its CPU time is measured with a script that computes nothing. The steps' own is in README.md (Cohorts).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))

from planning import dry_run, write_samples
from stand_ins import copy_repository
from tiny_cohort import REPO

PROFILE = REPO / "profiles" / "slurm"
COMPUTED = {  # CPU seconds of a sample of 2,000 cells
    "quality_control": 3.8,
    "align_genes": 0.6,
    "annotate": 5.3,
    "extract_ood": 0.8,
    "infer_cnv": 7.8,
    "split_cnv": 1.1,
    "assign_verdict": 1.0,
    "split_verdict": 0.8,
    "rank_markers": 2.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--samples", type=int, nargs="+", default=[10, 1000, 10_000])
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        stand_in = copy_repository(Path(folder) / "clone", stand_in=True)
        measured = [measure(Path(folder), stand_in, n_samples) for n_samples in options.samples]
    options.out.write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))


def measure(folder: Path, stand_in: Path, n_samples: int) -> dict[str, float]:
    """What a cohort of so many samples takes, one patient each."""
    work = folder / str(n_samples)
    work.mkdir()
    write_samples(work, [f"S{i:06d}" for i in range(n_samples)])
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    start = min(start_of_a_step(work, stand_in) for _ in range(3))
    # Samples by the group of their steps; a patient and the OOD cells of its sample are two components of `genome`.
    groups = sum((2 if name == "genome" else 1) / size for name, size in profile["group-components"].items())
    added = (len(COMPUTED) + groups) * start
    hours = n_samples * (added + sum(COMPUTED.values())) / 3600
    on_gpu = COMPUTED["annotate"] + (1 + 1 / profile["group-components"]["annotate"]) * start
    return {
        "samples": n_samples,
        "cpu_seconds_to_start_a_step": start,
        "submissions": round(n_samples * groups),
        "cpu_seconds_a_sample": added + sum(COMPUTED.values()),
        "cpu_hours": hours,
        "hours_with_all_jobs_at_work": hours / profile["jobs"],
        "gpu_hours": n_samples * on_gpu / 3600,
        "plan_cpu_seconds": dry_run(work, ["--workflow-profile", str(PROFILE), *arguments(REPO)])["cpu_seconds"],
    }


def arguments(repo: Path) -> list[str]:
    return ["--snakefile", str(repo / "Snakefile"), "--configfile", "config.yaml"]


def start_of_a_step(folder: Path, stand_in: Path) -> float:
    """CPU seconds of the Snakemake that a cluster's job starts for a step whose script computes nothing."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *arguments(stand_in),
        "--target-jobs",
        "quality_control:sample=S000000",
    ]
    command += [
        "--allowed-rules",
        "quality_control",
        "--mode",
        "remote",
        "--cores",
        "1",
        "--force",
        "--nolock",
        "--quiet",
    ]
    process = subprocess.Popen([*command, "all", "--workflow-profile", "none"], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
