"""What leaves the repository: the wheel, the version, the citation, and the versions that pre-commit runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from stand_ins import copy_repository

from cellcohort import __version__

REPO = Path(__file__).resolve().parents[1]
LIBRARY = REPO / "scripts" / "cellcohort"
SETTINGS = tomllib.loads((REPO / "pyproject.toml").read_text())
RESOURCES = [path for path in (REPO / "resources").iterdir() if path.name.endswith((".tsv", ".tsv.gz", ".gmt"))]


def pip(*arguments: str | Path) -> None:
    """Run pip with nothing but what is installed here."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def library_files() -> list[Path]:
    """Files of the library: modules, and what lies beside them."""
    return [path for path in LIBRARY.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of the repository."""
    clone, folder = copy_repository(tmp_path_factory.mktemp("clone")), tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, clone)
    return next(folder.glob("*.whl"))


def test_the_wheel_lists_every_package():
    folders = {path.parent.relative_to(REPO / "scripts") for path in LIBRARY.rglob("__init__.py")}
    listed = SETTINGS["tool"]["setuptools"]["packages"]
    from_elsewhere = ["cellcohort.config_schemas", "cellcohort.report.captions", "cellcohort.resource_files"]
    assert listed == sorted([*(".".join(folder.parts) for folder in folders), *from_elsewhere])


def test_the_wheel_holds_every_file(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {path.relative_to(REPO / "scripts").as_posix() for path in library_files()} <= held
    assert {f"cellcohort/resource_files/{path.name}" for path in RESOURCES} <= held
    assert {f"cellcohort/config_schemas/{name}.schema.yaml" for name in ("config", "samples")} <= held
    assert len(RESOURCES) > 5


def test_the_wheel_installs_into_an_empty_environment(wheel, tmp_path):
    pip("install", "--no-deps", "--no-index", "--target", tmp_path / "installed", wheel)
    command = [sys.executable, "-P", REPO / "tests" / "helpers" / "import_everything.py"]
    environ = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(command, cwd=tmp_path, env=environ, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    place, *modules = done.stdout.split()
    assert Path(place) == tmp_path / "installed" / "cellcohort"
    files = [path.relative_to(REPO / "scripts").with_suffix("") for path in library_files() if path.suffix == ".py"]
    names = {".".join(path.parts).removesuffix(".__init__") for path in files}
    assert set(modules) == names - {"cellcohort"}


def test_the_version_is_the_same_everywhere(wheel):
    assert SETTINGS["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "cellcohort.__version__"}
    assert "version" not in SETTINGS["project"]
    assert wheel.name.split("-")[1] == __version__
    assert yaml.safe_load((REPO / "CITATION.cff").read_text())["version"] == __version__
    assert re.search(r"^## (\S+)", (REPO / "CHANGELOG.md").read_text(), re.M)[1] in (__version__, "Unreleased")


def test_pre_commit_runs_the_pinned_versions():
    pins = dict(re.findall(r"^([\w-]+)==(\S+?)(?:;|$)", (REPO / "requirements-dev.txt").read_text(), re.M))
    repositories = yaml.safe_load((REPO / ".pre-commit-config.yaml").read_text())["repos"]
    revisions = {Path(entry["repo"]).name: entry.get("rev", "").removeprefix("v") for entry in repositories}
    tools = {"ruff-pre-commit": "ruff", "snakefmt": "snakefmt", "check-jsonschema": "check-jsonschema"}
    assert {tool: revisions[name] for name, tool in tools.items()} == {tool: pins[tool] for tool in tools.values()}


def test_the_tests_run_on_every_python_that_is_promised():
    matrix = yaml.safe_load((REPO / ".github" / "workflows" / "test.yml").read_text())["jobs"]["test"]["strategy"][
        "matrix"
    ]
    oldest = SETTINGS["project"]["requires-python"].removeprefix(">=")
    assert matrix["python-version"][0] == oldest == SETTINGS["tool"]["mypy"]["python_version"]
