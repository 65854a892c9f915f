import os
import subprocess
import sys

import pytest
from snakemake.iocontainers import InputFiles, Log, Params
from tiny_cohort import REPO

from cellcohort.core import provenance
from cellcohort.core.job import start_job


class Job:
    """What Snakemake gives a script, as far as `start_job` looks."""

    def __init__(self, folder, *, inputs=(), **declared):
        self.log = Log([str(folder / "job.log")])
        self.input = InputFiles(fromdict=dict(inputs))
        self.params = Params(fromdict={"sample": {"sample_id": "A"}, "settings": {"window": 100}, **declared})


@pytest.fixture(autouse=True)
def no_job():
    yield
    provenance._facts.clear()


def config_sha256(folder, **job) -> str:
    start_job(Job(folder, **job))
    return provenance.current()["config_sha256"]


def test_the_settings_are_returned_and_hashed_and_no_other_param_is(tmp_path):
    assert start_job(Job(tmp_path)) == {"window": 100}
    plain = config_sha256(tmp_path)
    assert config_sha256(tmp_path, sample={"sample_id": "B"}) == plain
    assert config_sha256(tmp_path, settings={"window": 50}) != plain


def test_the_content_of_a_declared_table_is_hashed_and_of_no_other_input(tmp_path):
    inputs, digests = {"arms": str(tmp_path / "arms.tsv")}, []
    for content in ("chr1\tp", "chr2\tp"):
        (tmp_path / "arms.tsv").write_text(content)
        digests.append(config_sha256(tmp_path, inputs=inputs, user_tables=["arms"]))
    plain = config_sha256(tmp_path)
    assert len({*digests, plain}) == 3
    assert config_sha256(tmp_path, inputs=inputs) == plain


def test_an_exception_is_a_traceback_in_the_log_and_a_sentence_on_the_terminal(tmp_path):
    code = f"""
from cellcohort.core.errors import InputError
from cellcohort.core.logs import log_to
log_to({str(tmp_path / "job.log")!r})
raise ERROR
"""
    for error, said in (('KeyError("bug")', "KeyError: 'bug'"), ('InputError("a.h5ad: X. Do Y.")', "a.h5ad: X. Do Y.")):
        program = code.replace("ERROR", error)
        environ = os.environ | {"PYTHONPATH": str(REPO / "scripts")}
        done = subprocess.run([sys.executable, "-c", program], env=environ, text=True, capture_output=True, check=False)
        log = (tmp_path / "job.log").read_text()
        (tmp_path / "job.log").unlink()  # a second try adds to it
        assert done.returncode == 1
        assert said in done.stderr
        assert said in log
        assert len(done.stderr.splitlines()) == 1
        assert ("Traceback" in log) == error.startswith("KeyError")


def test_an_interrupted_job_says_so_in_its_log_alone(tmp_path):
    program = f"""
from cellcohort.core.logs import log_to
log_to({str(tmp_path / "job.log")!r})
raise KeyboardInterrupt
"""
    environ = os.environ | {"PYTHONPATH": str(REPO / "scripts")}
    done = subprocess.run([sys.executable, "-c", program], env=environ, text=True, capture_output=True, check=False)
    assert done.returncode != 0
    assert done.stderr == ""
    assert (tmp_path / "job.log").read_text().endswith("interrupted\n")
