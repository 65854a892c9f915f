"""The workflow inside another one, from a local path and from git: the documented example, and what could clash."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from stand_ins import commit_all, copy_repository
from tiny_cohort import REPO, snakemake, some_cells, write_cells, write_cohort

EXAMPLE = "/path/to/cellmemory-cohort/workflow/Snakefile"
CONFIG = {"vocabulary": {"n_genes": 300}, "train": {"epochs": 2}}


def documented(language: str) -> str:
    """The first block of a language in the documentation of modules."""
    section = (REPO / "docs" / "several_cohorts.md").read_text().split("## Inside your own workflow")[1]
    return re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)[1]


def install(clone: Path, folder: Path) -> Path:
    """Install the library from the git repository `clone`, as the documentation says; returns the folder."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(folder), f"git+file://{clone}@main"], check=True)
    return folder


@pytest.fixture(scope="module")
def sources(tmp_path_factory, stand_in) -> dict[str, tuple[str, dict[str, str]]]:
    """Where the stand-in workflow is imported from, and the environment that Snakemake needs for it."""
    clone = copy_repository(tmp_path_factory.mktemp("hosted"), stand_in=True)
    address = commit_all(clone)
    installed = install(clone, tmp_path_factory.mktemp("installed"))
    return {
        "path": (f"{stand_in}/workflow/Snakefile", {}),
        "git": (address, {"PYTHONPATH": str(installed)}),
    }


@pytest.fixture(params=["path", "git"])
def source(request, sources, tmp_path, monkeypatch) -> str:
    """Address of the stand-in workflow."""
    address, environment = sources[request.param]
    for name, value in (environment | {"XDG_CACHE_HOME": str(tmp_path / "cache")}).items():
        monkeypatch.setenv(name, value)
    return address


@pytest.fixture
def project(tmp_path) -> Path:
    """A working directory with a tiny cohort."""
    return write_cohort(tmp_path / "project")


def run(project: Path, snakefile: str, *arguments: str) -> str:
    """Run Snakemake in `project` with `snakefile`; returns what it printed."""
    (project / "Snakefile").write_text(snakefile)
    done = snakemake(project, "--cores", "2", *arguments, repo=project, configfile=None)
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


@pytest.fixture(scope="module")
def example(tmp_path_factory, demo_data) -> Path:
    """A working directory as the documented example wants it, with a slice of the demo."""
    folder = tmp_path_factory.mktemp("example")
    for name in ("config", "data"):
        (folder / name).mkdir()
    some_cells(demo_data / "reference.h5ad", 300).write_h5ad(folder / "data" / "reference.h5ad")
    some_cells(demo_data / "P13.h5ad", 120).write_h5ad(folder / "data" / "P13.h5ad")
    (folder / "config" / "samples.tsv").write_text("sample_id\tpatient_id\tpath\nP13\tP13\tdata/P13.h5ad\n")
    config = yaml.safe_load(documented("yaml"))
    config["cellmemory"] |= CONFIG
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.fixture(scope="module")
def example_by_git(tmp_path_factory, example) -> str:
    """The documented example, run with the workflow from git and the library installed by pip; what it printed."""
    clone = copy_repository(tmp_path_factory.mktemp("real"))
    address = commit_all(clone)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(install(clone, tmp_path_factory.mktemp("library"))))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return run(example, documented("python").replace(EXAMPLE, address))


def test_the_documented_example_runs_from_git(example, example_by_git):
    types = pd.read_csv(example / "results" / "types.tsv", sep="\t")
    cells = pd.read_parquet(example / "results" / "cellmemory" / "samples" / "P13" / "annotation.parquet")
    assert types["count"].sum() == len(cells) > 50
    assert "Annotating P13" in example_by_git
    assert "infer_cnv" not in example_by_git
    assert (example / "results/cellmemory/logs/annotate/P13.log").is_file()
    assert "cellmemory_collect_annotation" in example_by_git


def test_the_documented_example_runs_from_a_clone_with_the_same_tables(example, example_by_git, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    config = yaml.safe_load((example / "config" / "config.yaml").read_text())
    del config["cellmemory"]["reference"]
    config["cellmemory"]["model"] = {"bundle": str(example / "results/cellmemory/model")}
    for name in ("config", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "config" / "samples.tsv").write_bytes((example / "config" / "samples.tsv").read_bytes())
    (tmp_path / "data" / "P13.h5ad").symlink_to(example / "data" / "P13.h5ad")
    printed = run(tmp_path, documented("python").replace(EXAMPLE, str(REPO / "workflow" / "Snakefile")))
    assert "train_model" not in printed
    for name in ("cohort/annotation", "samples/P13/gene_scores"):
        by_path, by_git = (pq.read_table(at / f"results/cellmemory/{name}.parquet") for at in (tmp_path, example))
        assert by_path.equals(by_git)  # but for the provenance: the bundle was named here and trained there


MODULE = """
module mapping:
    snakefile: "{source}"
    config: {{"samples": "samples.tsv", "reference": {{"path": "reference.h5ad"}}}}
    prefix: "external"
    pathvars:
        results="mapped"
"""

USER = """
report: "ours.rst"

SAMPLES, COUNTS, QC, BUNDLE = {"ours": "ours.h5ad"}, None, None, None

def by_size(wildcards):
    return 17

rule all:
    input:
        "results/ours.txt",
        "results/annotated/a/b.txt",

rule annotate:
    output: "results/annotated/{sample}.txt"
    log: "<logs>/annotate/{sample}.log"
    resources: mem_mb=by_size
    shell: "echo {wildcards.sample} {resources.mem_mb} {SAMPLES[ours]} > {output} 2> {log}"
"""

OURS = """
use rule * from mapping as mapping_*

use rule collect_annotation from mapping as mapping_collect_annotation with:
    params:
        samples=["replaced"],
    resources:
        mem_mb=123,

rule ours:
    input:
        "external/mapped/cohort/annotation.parquet",
        rules.mapping_collect_status.output.samples,
    output: "results/ours.txt"
    shell: "cat {input} > {output}"
"""


def test_names_of_the_importer_and_of_the_module_do_not_meet(project, source):
    """Same rule, function, variable, wildcard and path variable on both sides, and a default target before ours."""
    (project / "ours.rst").write_text("Ours.")
    printed = run(project, USER + MODULE.format(source=source) + OURS)
    assert "not present in the Snakefile" not in printed
    replaced = "mapping_collect_annotation {} [\"['replaced']\", '{}'] mem_mb=123"
    assert replaced in (project / "results/ours.txt").read_text()
    assert (project / "results/annotated/a/b.txt").read_text() == "a/b 17 ours.h5ad\n"
    assert (project / "logs/annotate/a/b.log").is_file()
    assert (project / "external/mapped/logs/annotate/A1.log").parent.is_dir()
    assert {path.name for path in project.iterdir() if path.is_dir()} == {".snakemake", "results", "logs", "external"}


REPLACED = """
use rule * from mapping exclude annotate as mapping_*

rule annotate:
    default_target: True
    input:
        status="external/mapped/samples/{sample}/status.json",
        weights="external/mapped/model/weights.safetensors",
    output:
        multiext(
            "external/mapped/samples/{sample}/",
            "annotation.parquet", "embedding.parquet", "gene_scores.parquet", "programs.parquet", "shift.json",
        )
    shell: "for file in {output}; do echo our own > $file; done"

rule ours:
    default_target: True
    input:
        "external/mapped/samples/B1/annotation.parquet",
        "external/mapped/cohort/annotation.parquet",
    output: "ours.txt"
    shell: "cp {input[0]} {output}"
"""


def test_a_rule_of_the_importer_takes_the_place_of_one_of_ours(project, source):
    printed = run(project, MODULE.format(source=source) + REPLACED)
    assert (project / "ours.txt").read_text() == "our own\n"
    assert "mapping_annotate" not in printed
    assert "mapping_collect_annotation" in printed


def test_a_10x_folder_is_found_whatever_the_prefix(project, source):
    (project / "A1").mkdir()
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz"):
        (project / "A1" / name).touch()
    (project / "samples.tsv").write_text("sample_id\tpatient_id\tpath\nA1\tA\tA1\n")
    everything = "\nuse rule * from mapping as mapping_*\n"
    run(project, MODULE.format(source=source) + everything, "external/mapped/samples/A1/qc.parquet")


COHORTS = """
module first:
    snakefile: "{source}"
    config: {{"samples": "samples.tsv", "reference": {{"path": "reference.h5ad"}}}}
    pathvars:
        results="results/first"

module second:
    snakefile: "{source}"
    config: {{"samples": "other.tsv", "reference": {{"path": "reference.h5ad"}}, "qc": {{"min_genes": 7}}}}
    pathvars:
        results="results/second"

use rule * from first as first_*
use rule * from second as second_*

rule both:
    default_target: True
    input: "results/first/samples/A1/qc.parquet", "results/second/samples/X/qc.parquet"
"""


def test_two_cohorts_in_one_workflow(project, source):
    write_cells(project / "X.h5ad", seed=4)
    (project / "other.tsv").write_text("sample_id\tpatient_id\tpath\nX\tX\tX.h5ad\n")
    run(project, COHORTS.format(source=source))
    assert "'min_genes': 7" in (project / "results/second/samples/X/qc.parquet").read_text()
    assert "'min_genes': 3" in (project / "results/first/samples/A1/qc.parquet").read_text()
    assert not (project / "results/first/samples/X").exists()


def test_captions_and_environments_come_along(project, source, fake_conda):
    snakefile = MODULE.format(source=source) + "\nuse rule * from mapping as mapping_*\n"
    run(project, snakefile)
    run(project, snakefile, "--report", "report.zip")
    assert (project / "report.zip").stat().st_size > 10_000
    dockerfile = run(project, snakefile, "--containerize")
    for env in (REPO / "envs").glob("*.yaml"):
        assert re.search(rf"source: .*/{env.name}", dockerfile)


def test_a_mistake_in_the_modules_config_is_named(project, source):
    (project / "Snakefile").write_text(
        MODULE.format(source=source).replace('"reference"', '"referense"') + "\nuse rule * from mapping as mapping_*\n"
    )
    done = snakemake(project, "--cores", "1", repo=project, configfile=None)
    assert done.returncode != 0
    assert "referense: unknown key. Did you mean reference?" in done.stdout


def test_all_that_the_module_makes_can_be_asked_for(project, source):
    rules = """
use rule * from mapping as mapping_*

rule ours:
    default_target: True
    input: rules.mapping_all.input
"""
    run(project, MODULE.format(source=source) + rules)
    assert list((project / "external/mapped/samples").glob("*/cnv.h5ad"))
    assert (project / "external/mapped/cohort/origin_genes.tsv").is_file()
