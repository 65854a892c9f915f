"""A cohort in which 30 of 100 samples are broken, each in another way: are the good ones what they are without them?

    python tests/benchmarks/broken_samples.py --folder FOLDER --out broken_samples.json --good 70 --broken 30

Good samples are synthetic tumours (`synthetic_cohort`), broken ones are cases of the catalogue (tests/README.md) that
are rejected. Every second broken sample belongs to a patient who has a good one, too. The cohort runs once without the
broken samples and once with them; every Parquet table of the good samples, and of the patients whose samples are all
good, is compared byte for byte. The copy-number tables of a good sample say that its patient has a broken one, too
(checksums of their inputs), and differ in that alone. The report must name each broken sample with its reason.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))

from odd_inputs import catalogue
from synthetic_cohort import write_cohort

from cellcohort.core.files import read_json

REPO = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--good", type=int, default=70)
    parser.add_argument("--broken", type=int, default=30)
    parser.add_argument("--cells", type=int, default=150)
    parser.add_argument("--genes", type=int, default=3000)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    write_cohort(options.folder, n_samples=options.good, n_cells=options.cells, n_genes=options.genes)
    good = pd.read_csv(options.folder / "samples.tsv", sep="\t")
    broken = make_broken(options.folder, options.broken, good["patient_id"])
    run(options.folder, "without", good, options.cores)
    run(options.folder, "with", pd.concat([good, broken]), options.cores)
    found = compare(options.folder, good, broken)
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


def make_broken(folder: Path, n: int, patients: pd.Series) -> pd.DataFrame:
    """The sheet's rows of `n` samples that are rejected, spread evenly over the catalogue."""
    cases = [case for case in catalogue() if case.outcome == "rejected"]
    shutil.rmtree(folder / "broken", ignore_errors=True)
    rows = []
    for number in range(n):
        case = cases[number * len(cases) // n]
        place = folder / "broken" / case.name
        place.mkdir(parents=True)
        row = case.make(place)
        patient = patients[number] if number % 2 else f"broken_{case.name}"
        path = os.path.relpath(place / row["path"], folder)
        rows.append({**row, "sample_id": case.name, "patient_id": patient, "path": path})
    return pd.DataFrame(rows)


def run(folder: Path, name: str, sheet: pd.DataFrame, cores: int) -> None:
    """The workflow over the samples of a sheet, into results/`name`."""
    sheet.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"), "--cores", str(cores)]
    command += ["--configfile", "config.yaml", "--quiet", "all", "--config", f"samples={name}.tsv"]
    command += [f"pathvars={{results: results/{name}}}"]
    if subprocess.run(command, cwd=folder, check=False).returncode:
        raise SystemExit(f"{folder}: the workflow failed, see {folder}/.snakemake/log")


def compare(folder: Path, good: pd.DataFrame, broken: pd.DataFrame) -> dict:
    """Tables of good samples and patients that differ, and broken samples that are not told of."""
    alone, together = (folder / "results" / name for name in ("without", "with"))
    unmixed = good[~good["patient_id"].isin(broken["patient_id"])]
    tables = [
        path.relative_to(alone)
        for place in (*("samples/" + good["sample_id"]), *("patients/" + unmixed["patient_id"]))
        for path in sorted((alone / place).glob("*.parquet"))
    ]
    statuses = {name: read_json(together / "samples" / name / "status.json") for name in broken["sample_id"]}
    report = html.unescape((together / "report.html").read_text())
    unlike = [name for name in tables if (alone / name).read_bytes() != (together / name).read_bytes()]
    differing = [name for name in unlike if not pq.read_table(alone / name).equals(pq.read_table(together / name))]
    return {
        "tables": len(tables),
        "differing": list(map(str, differing)),
        "differing_in_provenance": [str(name) for name in unlike if name not in differing],
        "not_rejected": [name for name, status in statuses.items() if status["status"] != "rejected"],
        "not_in_report": [name for name in broken["sample_id"] if name not in report],
        "reasons": {name: status["reason"] for name, status in statuses.items()},
    }


if __name__ == "__main__":
    main()
