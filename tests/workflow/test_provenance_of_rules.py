"""What every rule declares that its results come from."""

from __future__ import annotations

import json

import pytest
from odd_inputs.case import QC
from run_script import run_script
from stand_ins import copy_repository
from tiny_cohort import REPO, snakemake, write_cells, write_cohort

from cellcohort.core import provenance
from cellcohort.core.files import checksum

# Which data a job is for; what quality_control has hashed; what a report only tells.
NOT_HASHED = {"sample", "samples", "patients", "on_invalid", "config"}
DECLARED = {"settings", "user_tables", "results"}

STAND_IN = """
import json
from pathlib import Path

for path in snakemake.output:
    Path(path).write_text("")
params = {name: value for name, value in snakemake.params.items()}
inputs = {name: str(path) for name, path in snakemake.input.items()}
Path("declared").mkdir(exist_ok=True)
name = "_".join([snakemake.rule, *snakemake.wildcards])
Path("declared", name).write_text(json.dumps({"rule": snakemake.rule, "params": params, "inputs": inputs}, default=str))
"""


@pytest.fixture(scope="module")
def declared(tmp_path_factory) -> list[dict]:
    """Params and names of inputs of every job of a cohort of three samples, and the folder's name under `folder`."""
    clone = copy_repository(tmp_path_factory.mktemp("clone"), stand_in=True)
    for script in (clone / "scripts").glob("*.py"):
        script.write_text(STAND_IN)
    folder = write_cohort(tmp_path_factory.mktemp("named") / "cohort")
    for targets in ([], ["leave_type_out"]):
        done = snakemake(folder, *targets, "--cores", "2", repo=clone)
        assert done.returncode == 0, done.stdout
    return [json.loads(path.read_text()) | {"folder": str(folder)} for path in (folder / "declared").iterdir()]


def test_every_rule_is_there(declared):
    scripts = {path.stem for path in (REPO / "scripts").glob("*.py")}
    assert {job["rule"] for job in declared} == scripts


def test_every_param_is_declared_as_hashed_or_known_as_not(declared):
    for job in declared:
        assert "settings" in job["params"], job["rule"]
        assert set(job["params"]) <= DECLARED | NOT_HASHED, job["rule"]
        for names in ("user_tables", "results"):
            assert set(job["params"].get(names, [])) <= set(job["inputs"]), job["rule"]


def test_what_is_hashed_names_no_sample_and_no_place(declared):
    for job in declared:
        hashed = json.dumps(job["params"]["settings"])
        for word in ("sample_id", "patient_id", "A1", ".h5ad", "results", ".tsv", job["folder"]):
            assert word not in hashed, (job["rule"], word)


def test_the_same_rule_has_the_same_settings_for_every_patient(declared):
    settings = {json.dumps(job["params"]["settings"]) for job in declared if job["rule"] == "infer_cnv"}
    assert len(settings) == 1


def test_tables_that_a_user_may_replace_are_hashed(declared):
    replaceable = {"positions", "arms", "gene_sets"}
    for job in declared:
        given = {name for name in replaceable & set(job["inputs"]) if "resources/" in job["inputs"][name]}
        assert set(job["params"].get("user_tables", [])) == given, job["rule"]
    assert {job["rule"] for job in declared if "user_tables" in job["params"]} == {
        "sum_healthy_types", "measure_blocks", "infer_cnv", "enrichment", "compare_origins", "rank_markers",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["file", "folder"])
def test_quality_control_states_the_checksum_of_the_sample(tmp_path, form):
    if form == "file":
        write_cells(tmp_path / "S.h5ad")
    else:
        for name in ("matrix.mtx", "barcodes.tsv", "features.tsv"):
            (tmp_path / "S.h5ad").mkdir(exist_ok=True)
            (tmp_path / "S.h5ad" / name).write_text(name)
    made = {"qc": tmp_path / "qc.parquet", "input": tmp_path / "input.json"}
    params = {"sample": {"sample_id": "S", "patient_id": "P"}, "settings": {"qc": QC}}
    run_script(
        "quality_control", given={"counts": tmp_path / "S.h5ad"}, made=made, params=params, log=tmp_path / "qc.log"
    )
    for path in made.values():
        assert provenance.read(path)["input_sha256"] == checksum(tmp_path / "S.h5ad")
