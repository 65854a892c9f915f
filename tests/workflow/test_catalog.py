"""What the Snakemake workflow catalog asks of a workflow that is deployed in its standardized way."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from stand_ins import commit_all, copy_repository
from tiny_cohort import REPO, snakemake, write_cohort

# What snakedeploy writes to workflow/Snakefile, beside a copy of our config/.
DEPLOYED = """
from snakemake.utils import min_version

min_version("6.10.0")

configfile: "config/config.yaml"

module cellmemory_cohort:
    snakefile: "{source}"
    config: config

use rule * from cellmemory_cohort
"""


def test_the_files_that_the_catalog_looks_for_are_there():
    readme = (REPO / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    for name in ("workflow/Snakefile", "workflow/schemas/config.schema.yaml", "config/README.md", "LICENSE"):
        assert (REPO / name).is_file()
    assert {path.suffix for path in (REPO / "workflow" / "rules").iterdir()} == {".smk"}


def test_the_catalogs_settings_say_how_to_deploy():
    usage = yaml.safe_load((REPO / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"software-stack-deployment", "report"}
    assert usage["software-stack-deployment"] == {"conda": True, "apptainer": False, "apptainer+conda": False}
    assert usage["report"] is True


@pytest.mark.parametrize("command", [["snakemake", "--lint"], ["snakefmt", "--check", "Snakefile", "workflow"]])
def test_the_catalogs_quality_checks_pass(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=REPO, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_deployed_project_plans_the_whole_cohort(tmp_path, stand_in, monkeypatch):
    clone = copy_repository(tmp_path / "hosted", stand_in=True)
    monkeypatch.setenv("PYTHONPATH", str(stand_in / "scripts"))  # as if it were installed
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = write_cohort(tmp_path / "project")
    for name in ("config", "workflow"):
        (project / name).mkdir()
    (project / "config.yaml").rename(project / "config" / "config.yaml")
    (project / "workflow" / "Snakefile").write_text(DEPLOYED.format(source=commit_all(clone)))
    done = snakemake(project, "--dry-run", "--snakefile", "workflow/Snakefile", configfile=None)
    assert done.returncode == 0, done.stdout
    for rule in ("all", "train_model", "report"):
        assert f"\n{rule} " in done.stdout
