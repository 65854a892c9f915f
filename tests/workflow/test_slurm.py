"""The chain on a real Slurm cluster: who gets what; a time limit, scancel and a lost node change no table."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from demo_slice import write_slice
from slurm_cluster import SlurmCluster, UnavailableError, require_slurm
from tiny_cohort import REPO

from cellcohort.core.gpus import LOCKS

pytestmark = pytest.mark.slow

SHEET = pd.DataFrame({"sample_id": ["P13", "P14"], "patient_id": ["P13", "P14"], "path": ["P13.h5ad", "P14.h5ad"]})
CONFIG = {
    "samples": "samples.tsv",
    "reference": {"path": "reference.h5ad"},
    "vocabulary": {"n_genes": 400},
    "train": {"epochs": 2},
}
GPU_RULES = ("train_model", "calibrate_model", "annotate")
STEPS = (
    "quality_control", "align_genes", "measure_blocks", "annotate", "call_ood", "extract_ood", "infer_cnv", "split_cnv",
    "assign_verdict", "split_verdict", "rank_markers",
)  # fmt: skip
ALONE = ("--group-components", "prepare=1", "annotate=1", "genome=1")
# What the disturbed run makes; with these come all tables of samples and patients.
TARGETS = tuple(f"results/cohort/{table}.parquet" for table in ("annotation", "cnv_arms", "verdict"))
PATIENCE = 600  # seconds


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    """A Slurm cluster with the partitions cpu and gpu, on whose machine nvidia-smi lists two GPUs."""
    root = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    slurm = SlurmCluster(root)
    try:
        require_slurm()
        slurm.start()
        gpus = slurm.root / "bin" / "nvidia-smi"
        gpus.write_text(f"#!/bin/sh\nprintf '%s\\n' GPU-{root.name}-0 GPU-{root.name}-1\n")
        gpus.chmod(0o755)
        yield slurm
    except UnavailableError as reason:
        pytest.skip(str(reason))
    finally:
        slurm.stop()
        shutil.rmtree(root)
        for lock in LOCKS.glob(f"GPU-{root.name}-*"):
            lock.unlink()


class Run:
    """Snakemake with the profile for Slurm, in the background."""

    def __init__(self, cluster: SlurmCluster, folder: Path, *arguments: str) -> None:
        self.cluster, self.folder, self.log = cluster, folder, folder / "snakemake.log"
        self.earlier = {job["JobId"] for job in cluster.jobs()}
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"), *arguments]
        command += ["--workflow-profile", str(REPO / "profiles" / "slurm"), "--configfile", "config.yaml"]
        command += ["--cores", "2", "--slurm-init-seconds-before-status-checks", "1"]
        with self.log.open("w") as log:
            given = {"cwd": folder, "env": cluster.environment, "stdout": log, "stderr": log}
            self.process = subprocess.Popen(cluster.inside(*command), **given)

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """This run's Slurm jobs in which a rule has a part."""
        jobs = [job for job in self.cluster.jobs() if job["WorkDir"] == str(self.folder)]
        return [job for job in jobs if job["JobId"] not in self.earlier and rule in job["Comment"]]

    def show(self) -> None:
        """Print which job ran where, from when to when: what pytest shows of a test that fails, or with -rP."""
        for job in self.jobs():
            keys = ("JobId", "JobState", "NodeList", "TRES", "JOB_GRES", "TimeLimit", "StartTime", "EndTime", "Comment")
            print(*(f"{key}={job.get(key, '')}" for key in keys))

    def wait_for(self, rule: str) -> dict[str, str]:
        """The Slurm job that is in the middle of a rule's script."""
        end = time.monotonic() + PATIENCE
        while True:
            for job in self.jobs(rule):
                if job["JobState"] == "RUNNING" and runs(self.cluster, job, rule):
                    return job
            assert time.monotonic() < end, self.log.read_text()[-5000:]
            assert self.process.poll() is None, self.log.read_text()[-5000:]
            time.sleep(0.2)

    def end(self) -> int:
        """Wait for the end; returns the exit status."""
        return self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def undisturbed(cluster, demo_data, tmp_path_factory) -> Run:
    """A run that nothing disturbs, whose samples share no job; it goes on in the background."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_slice(folder, demo_data, SHEET, CONFIG, n_reference=300, n_cells=100)
    return Run(cluster, folder, *ALONE)


@pytest.fixture
def trained(undisturbed, tmp_path) -> Path:
    """The same cohort with its model trained, and nothing of its samples done."""
    undisturbed.wait_for("annotate")
    later = shutil.ignore_patterns(".snakemake", "samples", "patients", "cohort")
    return Path(shutil.copytree(undisturbed.folder, tmp_path / "disturbed", ignore=later))


def tables(folder: Path) -> dict[str, bytes]:
    """Every parquet file of the results, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("results/**/*.parquet"))}


def processes_of(cluster: SlurmCluster, job: dict[str, str]) -> Iterator[tuple[int, bytes]]:
    """Process ids and command lines of a Slurm job."""
    marker = f"SLURM_JOB_ID={job['JobId']}\0".encode()
    for process in cluster.processes():
        with suppress(OSError):  # it has ended
            entry = Path(f"/proc/{process}")
            if marker in (entry / "environ").read_bytes():
                yield process, (entry / "cmdline").read_bytes()


def runs(cluster: SlurmCluster, job: dict[str, str], rule: str) -> bool:
    """Whether a job is in the middle of a rule's script, which is named like the rule."""
    return any(f".{rule}.py\0".encode() in command for _, command in processes_of(cluster, job))


def freeze(cluster: SlurmCluster, job: dict[str, str]) -> None:
    """Stop the processes of a Slurm job, so that it cannot end by itself."""
    for process, _ in processes_of(cluster, job):
        os.kill(process, signal.SIGSTOP)


def memory(job: dict[str, str]) -> float:
    """The MB that a job was allotted."""
    resources = dict(entry.split("=") for entry in job["TRES"].split(","))
    return float(resources["mem"][:-1]) * {"M": 1, "G": 1024}[resources["mem"][-1]]


def minutes(job: dict[str, str]) -> int:
    """The time limit of a job that has less than a day."""
    hours, rest, _ = job["TimeLimit"].split(":")
    return 60 * int(hours) + int(rest)


def spans(folder: Path) -> list[tuple[str, str]]:
    """First and last time in the log of each annotation, the earliest first."""
    logs = [path.read_text() for path in folder.glob("results/logs/annotate/*.log")]
    times = [re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", log, re.MULTILINE) for log in logs]
    return sorted((each[0], each[-1]) for each in times)


def test_scancel_a_time_limit_and_a_lost_node_change_no_table(cluster, undisturbed, trained):
    run = Run(cluster, trained, *TARGETS, "--retries", "0")
    cluster.ask("scancel", run.wait_for("annotate")["JobId"])
    assert run.end() == 1
    run.show()
    assert [job["JobState"] for job in run.jobs("annotate")] == ["CANCELLED"]

    run = Run(cluster, trained, *TARGETS)
    slow = run.wait_for("annotate")
    freeze(cluster, slow)
    cluster.ask("scontrol", "update", f"jobid={slow['JobId']}", "endtime=now+2seconds")
    lost = run.wait_for("infer_cnv")
    freeze(cluster, lost)
    assert undisturbed.end() == 0  # it may use the same node
    cluster.ask("scontrol", "update", f"nodename={lost['NodeList']}", "state=down", "reason=test")
    assert run.end() == 0, run.log.read_text()[-5000:]

    run.show()
    assert not run.jobs("quality_control")  # what was done before scancel is kept
    first, second = run.jobs("annotate")
    assert (first["JobState"], second["JobState"]) == ("TIMEOUT", "COMPLETED")
    assert memory(second) == 2 * memory(first)
    first, second = run.jobs("infer_cnv")
    assert (first["JobState"], second["JobState"]) == ("NODE_FAIL", "COMPLETED")
    assert first["NodeList"] != second["NodeList"]
    # Both samples share these jobs: the cores and the memory of the larger, the time of both, one after the other.
    alone = undisturbed.jobs("infer_cnv")
    assert {job["NumCPUs"] for job in (first, *alone)} == {"1"}
    assert memory(first) == max(map(memory, alone))
    assert minutes(first) == sum(map(minutes, alone))
    earlier, later = spans(trained)
    print("annotations that share a job:", earlier, later)
    assert earlier[1] < later[0]
    expected, written = tables(undisturbed.folder), tables(trained)
    assert set(TARGETS) <= set(written) <= set(expected)
    assert [name for name in written if written[name] != expected[name]] == []


def test_the_whole_cohort_runs_and_the_model_steps_alone_get_a_gpu(undisturbed):
    assert undisturbed.end() == 0, undisturbed.log.read_text()[-5000:]
    undisturbed.show()
    assert (undisturbed.folder / "results" / "report.html").exists()
    jobs = undisturbed.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    comments = [job["Comment"] for job in jobs]
    assert [sum(step in comment for comment in comments) for step in STEPS] == [2] * len(STEPS)
    assert sum(any(step in comment for step in STEPS) for comment in comments) == 8  # its OOD cells apart
    for job in jobs:
        if any(rule in job["Comment"] for rule in GPU_RULES):
            assert (job["Partition"], job["NodeList"], job["JOB_GRES"]) == ("gpu", "gpu1", "gpu:a100:1"), job
        else:
            assert job["Partition"] == "cpu", job
            assert job["JOB_GRES"] == "(null)", job


def test_groups_run_at_the_same_time(undisturbed):
    assert undisturbed.end() == 0
    print("annotations in jobs of their own:", *spans(undisturbed.folder))
    for rule in ("quality_control", "annotate", "infer_cnv"):
        first, second = undisturbed.jobs(rule)
        assert max(first["StartTime"], second["StartTime"]) < min(first["EndTime"], second["EndTime"]), rule


def test_a_job_leases_the_device_that_slurm_gave_it(cluster, undisturbed):
    assert undisturbed.end() == 0
    leased = []
    for name in ("train_model", "calibrate_model", "annotate/P13", "annotate/P14"):
        log = (undisturbed.folder / "results" / "logs" / f"{name}.log").read_text()
        assert "leasing 1 of 1 GPUs" in log
        leased += re.findall(f"leased (GPU-{cluster.root.name}-[01])", log)
    assert len(leased) == 4
    assert leased[2] != leased[3]  # at the same time
