"""A fault of ours fails the job, with its traceback in the log and a sentence on the terminal (design law 9)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_reference import LABELS, write_sample
from stand_ins import copy_repository
from tiny_cohort import snakemake, write_config

PLACES = {
    "annotate": ("annotation/annotate.py", "    estimator = "),
    "quality_control": ("qc/quality_control.py", "    thresholds = "),
}


@pytest.fixture
def cohort(tmp_path, bundle) -> Path:
    """A sample of 30 cells, to be annotated by the small bundle."""
    folder = tmp_path / "cohort"
    folder.mkdir()
    write_sample(folder / "S.h5ad", np.resize(np.array(LABELS, object), 30))
    (folder / "samples.tsv").write_text("sample_id\tpatient_id\tpath\nS\tP\tS.h5ad\n")
    limits = {"min_genes": 1, "min_counts": 1}
    write_config(folder, reference={}, model={"bundle": str(bundle.folder)}, qc=limits, vocabulary={"min_share": 0.1})
    return folder


@pytest.mark.parametrize("rule", PLACES)
def test_a_key_error_in_our_code_fails_the_job_and_rejects_no_sample(cohort, tmp_path, rule):
    name, place = PLACES[rule]
    clone = copy_repository(tmp_path / "clone")
    module = clone / "scripts" / "cellcohort" / name
    text = module.read_text()
    assert text.count(place) == 1
    module.write_text(text.replace(place, f'    {{}}["bug"]\n{place}'))
    target = "results/samples/S/annotation.parquet"
    done = snakemake(cohort, target, "--cores", "1", "--retries", "0", repo=clone)
    assert done.returncode != 0
    assert f".{rule}.py' returned non-zero exit status" in done.stdout
    assert "KeyError: 'bug'. This is no mistake in your input" in done.stdout
    assert "Copy or write it again" not in done.stdout
    log = (cohort / "results" / "logs" / rule / "S.log").read_text()
    assert "Traceback" in log
    assert Path(name).name in log
    assert not (cohort / "results/samples/S/annotation.parquet").exists()
    assert "rejected" not in log
