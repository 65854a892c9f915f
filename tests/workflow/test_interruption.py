"""Ctrl-C while a job runs: the terminal says how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tiny_cohort import REPO, write_cells, write_cohort


def test_an_interrupted_run_says_how_to_go_on(tmp_path):
    folder = write_cohort(tmp_path / "cohort")
    write_cells(folder / "reference.h5ad", n_cells=900)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"), "--cores", "1"]
    command += ["results/model/manifest.json", "--configfile", "config.yaml"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=folder, start_new_session=True, **streams) as run:
        said = ""
        while "Judging the cells of the reference" not in said:
            line = run.stdout.readline()
            assert line, said
            said += line
        time.sleep(1)  # Snakemake misses what comes while it starts a job
        os.killpg(run.pid, signal.SIGINT)
        said += run.communicate(timeout=120)[0]
    assert run.returncode != 0
    assert "the same command goes on from there" in said
