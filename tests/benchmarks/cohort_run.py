"""A synthetic cohort run end to end, grown step by step: samples an hour, memory of each rule, Snakemake's own share.

    python tests/benchmarks/cohort_run.py --folder FOLDER --out cohort_run.json --samples 50 200 201 --cells 2000

The first number of samples is run from nothing, each of the others adds samples to the finished cohort. FOLDER is kept.
The share of Snakemake is the part of the time in which no job ran, looked at once a second; its CPU seconds are those
of its own process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
from synthetic_cohort import write_cohort

REPO = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--samples", type=int, nargs="+", default=[50, 200, 201])
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    runs = []
    for n_samples in options.samples:
        write_cohort(options.folder, n_samples=n_samples, n_cells=options.cells)
        runs.append(run(options.folder, n_samples, options.cores))
        options.out.write_text(json.dumps({"cells": options.cells, "runs": runs}, indent=2) + "\n")
        print(json.dumps({key: value for key, value in runs[-1].items() if key != "rules"}))
        print(pd.DataFrame(runs[-1]["rules"]).to_string(index=False), flush=True)


def run(folder: Path, n_samples: int, cores: int) -> dict:
    """Run the workflow in `folder` to its end; what it took and, by rule, the jobs that it ran."""
    began, start = time.time(), time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile")]
    command += ["--configfile", "config.yaml", "--cores", str(cores), "--quiet", "all"]
    process = psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    alone = looks = cpu_seconds = peak = 0
    while process.poll() is None:
        looks, alone = looks + 1, alone + (not process.children())
        cpu_seconds, peak = sum(process.cpu_times()[:2]), max(peak, process.memory_info().rss)
        time.sleep(1)
    if process.returncode:
        raise SystemExit(f"{folder}: the workflow failed, see {folder}/.snakemake/log")
    return {
        "samples": n_samples,
        "seconds": time.perf_counter() - start,
        "snakemake_share": alone / looks,
        "snakemake_cpu_seconds": cpu_seconds,
        "snakemake_peak_mib": peak / 1024**2,
        "rules": rules_of(folder / "results" / "benchmarks", since=began),
    }


def rules_of(folder: Path, since: float) -> list[dict]:
    """Jobs, seconds and peak memory of each rule, of the benchmark files that were written after `since`."""
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        if path.stat().st_mtime >= since:
            job = pd.read_csv(path, sep="\t").iloc[0]
            rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
            rows.append({"rule": rule, "s": job["s"], "cpu": job["cpu_time"], "rss": job["max_rss"]})
    by_rule = pd.DataFrame(rows, columns=["rule", "s", "cpu", "rss"]).groupby("rule", sort=False)
    table = by_rule.agg(
        jobs=("s", "size"), mean_seconds=("s", "mean"), cpu_seconds=("cpu", "sum"), peak_mib=("rss", "max")
    )
    return table.round(2).reset_index().to_dict("records")


if __name__ == "__main__":
    main()
