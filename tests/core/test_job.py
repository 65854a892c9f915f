import pytest
from snakemake.iocontainers import InputFiles, Log, Params

from cellcohort.core import provenance
from cellcohort.core.job import begin


class Job:
    """What Snakemake gives a script, as far as `begin` looks."""

    def __init__(self, folder, **inputs):
        self.log = Log([str(folder / "job.log")])
        self.input, self.params = InputFiles(fromdict=inputs), Params(fromdict={"cnv": {"window": 100}})


@pytest.fixture(autouse=True)
def no_job():
    yield
    provenance._facts.clear()


def settings(folder, **inputs) -> str:
    begin(Job(folder, **inputs))
    return provenance.current()["config_sha256"]


def test_a_table_of_the_user_is_a_setting_and_a_result_of_that_name_is_none(tmp_path):
    digests = []
    for content in ("chr1\tp", "chr2\tp"):
        (tmp_path / "arms.tsv").write_text(content)
        digests.append(settings(tmp_path, arms=str(tmp_path / "arms.tsv")))
    assert digests[0] != digests[1]
    plain = settings(tmp_path)
    assert plain not in digests
    assert settings(tmp_path, arms=[]) == plain
    assert settings(tmp_path, arms=["a.h5ad", "b.h5ad"]) == plain
