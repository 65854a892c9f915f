"""Pins and environments: one version of everything, and every script finds what it imports in its environment."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tiny_cohort import REPO, snakemake, write_cohort

SCRIPTS = REPO / "scripts"
ENVIRONMENTS = sorted(path.stem for path in (REPO / "envs").glob("*.yaml"))
ENVIRONMENTS_PYTHON = "3.11"
PYTHONS = ["3.11", "3.12", "3.13"]
PYTHON = ".".join(map(str, sys.version_info[:2]))
PACKAGE = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "scib_metrics": "scib-metrics",
    "skmisc": "scikit-misc",
    "umap": "umap-learn",
    "vl_convert": "vl-convert-python",
    "yaml": "pyyaml",
}


def requirements(python: str, file: str = "requirements.txt") -> dict[str, str]:
    """Version of each package that a file of requirements gives a Python."""
    lines = (REPO / file).read_text().splitlines()
    needs = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r "))]
    given = [need for need in needs if need.marker is None or need.marker.evaluate({"python_version": python})]
    pins = {need.name: str(need.specifier).removeprefix("==") for need in given}
    assert len(pins) == len(given), f"pinned twice for Python {python}"
    return pins


def declared_by_the_library() -> dict[str, Requirement]:
    """What pyproject.toml says the library needs."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    return {need.name: need for need in map(Requirement, project["dependencies"])}


def environment(name: str) -> dict[str, str]:
    """Version of each package in an environment."""
    content = yaml.safe_load((REPO / "envs" / f"{name}.yaml").read_text())
    packages = next(entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    return dict(package.split("==") for package in packages)


def needed_by(packages: Iterable[str]) -> set[str]:
    """The packages, what they need on this machine, what that needs, and so on."""
    found, open_ends = set(), [(name, ()) for name in packages]
    while open_ends:
        name, extras = open_ends.pop()
        if (name, extras) in found:
            continue
        found.add((name, extras))
        for need in map(Requirement, metadata.requires(name) or []):
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                open_ends.append((canonicalize_name(need.name), tuple(sorted(need.extras))))
    return {name for name, _ in found}


def environment_of_script() -> dict[str, str]:
    """The environment that each script's rule names."""
    rules = "".join(path.read_text() for path in (REPO / "workflow" / "rules").glob("*.smk"))
    blocks = re.split(r"^rule ", rules, flags=re.MULTILINE)[1:]
    return {
        re.search(r'SCRIPT\.replace\("RULE", "(\w+)"\)', block)[1]: re.search(r"envs/(\w+)\.yaml", block)[1]
        for block in blocks
    }


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports; relative ones made absolute."""
    package = ["cellcohort", *path.relative_to(SCRIPTS / "cellcohort").parts[:-1]] if "cellcohort" in path.parts else []
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def third_party(path: Path, seen: set[Path]) -> set[str]:
    """Packages from outside that a script and the library modules behind it import."""
    seen.add(path)
    found = set()
    for name in imported(path):
        top = name.split(".")[0]
        if top == "cellcohort":
            stem = SCRIPTS.joinpath(*name.split("."))
            for file in (stem.with_suffix(".py"), stem / "__init__.py"):
                if file.is_file() and file not in seen:
                    found |= third_party(file, seen)
        elif top not in sys.stdlib_module_names:
            found.add(PACKAGE.get(top, top))
    return found


@pytest.mark.parametrize(("script", "env"), environment_of_script().items())
def test_a_script_finds_its_imports_in_its_environment(script, env):
    assert third_party(SCRIPTS / f"{script}.py", set()) <= set(environment(env))


def test_every_script_belongs_to_a_rule():
    assert {path.stem for path in SCRIPTS.glob("*.py")} == set(environment_of_script())


def test_the_makefile_names_what_exists():
    text = (REPO / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", text, re.MULTILINE))
    assert set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()) == targets
    named = re.findall(r"^\t.*?((?:demo|tests)/[\w./]+)", text, re.MULTILINE)
    assert [path for path in named if not (REPO / path).exists()] == []


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_an_environment_holds_the_pins_of_requirements(env):
    pins = requirements(ENVIRONMENTS_PYTHON)
    assert {name: pins.get(name) for name in environment(env)} == environment(env)


@pytest.mark.skipif(PYTHON != ENVIRONMENTS_PYTHON, reason=f"environments hold Python {ENVIRONMENTS_PYTHON}")
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_an_environment_pins_what_its_packages_need(env):
    given = environment(env)
    assert sorted((needed_by(given) & set(requirements(PYTHON))) - set(given)) == []


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_an_environment_is_one_that_conda_can_read(env):
    content = yaml.safe_load((REPO / "envs" / f"{env}.yaml").read_text())
    assert set(content) == {"channels", "dependencies"}  # a name would be shared by all that Snakemake makes
    assert content["channels"] == ["conda-forge", "nodefaults"]
    assert content["dependencies"][:-1] == [f"python ={ENVIRONMENTS_PYTHON}", "pip"]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in content["dependencies"][-1]["pip"])


def test_a_container_holds_every_environment(tmp_path, fake_conda):
    folder = write_cohort(tmp_path / "cohort")
    done = snakemake(folder, "--containerize")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("conda env create") == len(ENVIRONMENTS)
    for env in ENVIRONMENTS:
        assert re.search(rf"^COPY \S+/envs/{env}.yaml /conda-envs/", done.stdout, re.MULTILINE)


def test_planning_imports_nothing_that_snakemake_does_not_bring():
    rules = "".join(path.read_text() for path in (REPO / "workflow" / "rules").glob("*.smk"))
    lines = re.findall(r"^from cellcohort.*$", rules, re.MULTILINE)
    assert len(lines) > 3
    code = "\n".join(["import sys", *lines, "print(*sys.modules)"])
    environ = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, text=True, capture_output=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    needed = set().union(*(third_party(path, set()) for path in SCRIPTS.rglob("*.py")))
    assert {PACKAGE.get(name, name) for name in loaded} & needed <= needed_by({"snakemake": ""})


@pytest.mark.parametrize("python", PYTHONS)
def test_requirements_have_no_local_versions(python):
    assert not [name for name, version in requirements(python).items() if "+" in version]


def test_requirements_pin_what_their_packages_need():
    given = requirements(PYTHON)
    brought_by_torch = re.compile("cuda-|nvidia-|triton")
    assert sorted(name for name in needed_by(given) - set(given) if not brought_by_torch.match(name)) == []


def test_the_requirements_of_development_pin_what_their_packages_need():
    given = requirements(PYTHON, "requirements-dev.txt")
    assert sorted(needed_by(given) - set(given) - set(requirements(PYTHON))) == []


def test_the_library_declares_what_it_imports():
    declared = declared_by_the_library()
    needed = set().union(*(third_party(path, set()) for path in (SCRIPTS / "cellcohort").rglob("*.py")))
    assert needed <= set(declared)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_pins_are_versions_that_the_library_declares(python):
    pins = requirements(python)
    assert [name for name, need in declared_by_the_library().items() if not need.specifier.contains(pins[name])] == []
