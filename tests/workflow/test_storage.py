"""Results on a storage plugin, as on an object store: the working directory holds the user's own files alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tiny_cohort import SHEET, snakemake, write_cells, write_cohort

RSYNC = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "rsync"])


@pytest.fixture(scope="module", autouse=True)
def rsync() -> None:
    """The program with which snakemake-storage-plugin-fs copies; installed where that is allowed."""
    if shutil.which("rsync"):
        return
    if os.environ.get("CI") != "true" or os.geteuid() != 0:
        pytest.skip("needs rsync (apt-get install rsync)")
    for command in RSYNC:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, stand_in) -> Path:
    """A working directory whose results were written to the storage beside it; one sample is a 10x folder."""
    folder = write_cohort(tmp_path_factory.mktemp("storage") / "cohort")
    (folder / "C1").mkdir()
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz"):
        (folder / "C1" / name).touch()
    (folder / "samples.tsv").write_text(SHEET + "C1\tC\tC1\n")
    done = stored(folder, stand_in)
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


def stored(folder: Path, repo: Path) -> subprocess.CompletedProcess:
    """Run Snakemake in `folder` with a storage for all results and no shared file system."""
    storage = ("--default-storage-provider", "fs", "--default-storage-prefix", str(folder.parent / "storage"))
    options = ("--shared-fs-usage", "none", "--workflow-profile", "none")  # the profile would keep quiet about jobs
    return snakemake(folder, "--cores", "2", *storage, *options, repo=repo)


def test_every_result_log_and_benchmark_lies_in_the_storage(finished):
    results = finished.parent / "storage" / "results"
    names = ["reference", "model", "samples", "patients", "cohort", "figures", "report.html", "logs", "benchmarks"]
    assert {path.name for path in results.iterdir()} == set(names)
    for sample in ("A1", "C1"):
        assert "call_ood" in (results / "samples" / sample / "annotation.parquet").read_text()
        assert (results / "benchmarks" / "annotate" / f"{sample}.tsv").is_file()
    own = {"A1.h5ad", "A2.h5ad", "B1.h5ad", "C1", "reference.h5ad", "samples.tsv", "config.yaml"}
    assert {path.name for path in finished.iterdir()} == own | {".snakemake"}


def test_no_job_is_told_where_its_files_lie(finished):
    """A path in params would differ between machines that share no file system, and would repeat the job."""
    for path in (finished.parent / "storage" / "results").rglob("*.*"):
        if path.is_file() and path.suffix not in (".log", ".tsv"):
            assert ".snakemake/storage" not in path.read_text(), path


def test_a_second_run_does_nothing_and_a_new_sample_runs_alone(finished, stand_in):
    assert "Nothing to be done" in stored(finished, stand_in).stdout
    write_cells(finished / "D1.h5ad", seed=9)
    (finished / "samples.tsv").write_text((finished / "samples.tsv").read_text() + "D1\tD\tD1.h5ad\n")
    done = stored(finished, stand_in)
    assert done.returncode == 0, done.stdout[-5000:]
    assert "Annotating D1" in done.stdout
    assert "Annotating A1" not in done.stdout
    assert "train_model" not in done.stdout
