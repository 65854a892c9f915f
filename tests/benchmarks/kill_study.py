"""Kill -9 of Snakemake and all its jobs at random moments, restarted each time: are the results those of a quiet run?

    python tests/benchmarks/kill_study.py --out kill_study.json --kills 10

The demo runs once undisturbed and once killed `--kills` times, at random moments. Every Parquet table, .h5ad file and
.tsv of the two result folders is compared: tables byte for byte, .h5ad files by content. Needs the demo's data (`make
demo` once).
"""

from __future__ import annotations

import argparse
import contextlib
import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad
import numpy as np
import psutil
import yaml

REPO = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        found = study(Path(scratch), options.kills, np.random.default_rng(options.seed))
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


def study(scratch: Path, n_kills: int, rng: np.random.Generator) -> dict:
    """What was killed when, and the files that differ in the end."""
    quiet, killed = (prepare(scratch / name) for name in ("quiet", "killed"))
    start = time.perf_counter()
    finish(quiet)
    seconds = time.perf_counter() - start
    kills = []
    while len(kills) < n_kills:
        if found := kill_after(killed, rng.uniform(3, seconds / 4)):
            kills.append(found)
        else:  # it was finished: once more from nothing
            shutil.rmtree(killed / "results")
            shutil.rmtree(killed / ".snakemake")
    finish(killed)
    names = sorted(str(path.relative_to(quiet / "results")) for path in results(quiet))
    others = sorted(str(path.relative_to(killed / "results")) for path in results(killed))
    differing = [name for name in names if not same(quiet / "results" / name, killed / "results" / name)]
    return {
        "undisturbed_seconds": seconds,
        "kills": kills,
        "files": len(names),
        "other_files": sorted(set(names) ^ set(others)),
        "differing": differing,
    }


def prepare(folder: Path) -> Path:
    """A working directory with the demo's sheet, config and links to its data."""
    folder.mkdir()
    (folder / "demo").symlink_to(REPO / "demo")
    config = yaml.safe_load((REPO / "demo" / "config.yaml").read_text()) | {"pathvars": {"results": "results"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def snakemake(folder: Path, *arguments: str) -> subprocess.Popen:
    """Snakemake in `folder`."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"), "--configfile", "config.yaml"]
    command += ["--workflow-profile", "none", "--cores", "2", "--rerun-incomplete", "--quiet", "all", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def restart(folder: Path) -> subprocess.Popen:
    """Start, or start again: the lock that a killed run has left is taken away first, as its user would."""
    snakemake(folder, "--unlock").wait()
    return snakemake(folder)


def finish(folder: Path) -> None:
    """Run to the end."""
    if restart(folder).wait():
        raise SystemExit(f"{folder}: the workflow failed, see its .snakemake/log")


def kill_after(folder: Path, pause: float) -> dict | None:
    """Start, wait, kill everything at once; which scripts were running. None if the run had ended."""
    process = restart(folder)
    time.sleep(pause)
    if process.poll() is not None:
        return None
    children = psutil.Process(process.pid).children(recursive=True)
    running = {script(child) for child in children} - {None}
    for pid in (process.pid, *(child.pid for child in children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    return {"after_seconds": round(pause, 1), "running": sorted(running)}


def script(process: psutil.Process) -> str | None:
    """The workflow's script that a process runs, if any."""
    with contextlib.suppress(psutil.Error):
        for argument in process.cmdline():
            if ".snakemake/scripts/" in argument:
                return argument.split(".", 2)[-1]
    return None


def results(folder: Path) -> list[Path]:
    """Tables and .h5ad files."""
    found = (folder / "results").rglob("*")
    return [path for path in found if path.suffix in (".parquet", ".h5ad", ".tsv") and "benchmarks" not in path.parts]


def same(first: Path, second: Path) -> bool:
    """Whether two files say the same; HDF5 keeps times, so that .h5ad files are compared by content."""
    if not second.exists():
        return False
    if first.suffix != ".h5ad":
        return filecmp.cmp(first, second, shallow=False)
    one, other = ad.read_h5ad(first), ad.read_h5ad(second)
    matrices = zip([one.X, *one.obsm.values()], [other.X, *other.obsm.values()], strict=True)
    return one.obs.equals(other.obs) and one.var.equals(other.var) and all(_equal(a, b) for a, b in matrices)


def _equal(a, b) -> bool:
    return (a is b is None) or (abs(a - b).max() == 0 if min(a.shape) else a.shape == b.shape)


if __name__ == "__main__":
    main()
