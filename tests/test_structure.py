"""The house rules of the library (docs/design.md, Layout): packages, names, lengths, and who may import whom."""

from __future__ import annotations

import ast
import io
import os
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
SCRIPTS = REPO / "scripts"
LIBRARY = SCRIPTS / "cellcohort"
MODULES = sorted(path for path in LIBRARY.rglob("*.py") if path.name != "__init__.py")
PACKAGES = sorted(path.parent for path in LIBRARY.rglob("__init__.py"))

MOST_MODULES = 18  # of a folder
MOST_CODE_LINES = 40  # of a function
LONG_FUNCTIONS: dict[str, str] = {}
"""Functions that may be longer, as `package/module.py:function`, each with the reason."""

NO_PACKAGE = {"benchmarks", "fixtures", "helpers", "workflow"}
"""Folders of tests/ that test no package."""

NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
UPWARD = "\n\nfrom ..{package} import {module}\n"


def name_of(path: Path) -> str:
    """A module's path below the library, with slashes."""
    return path.relative_to(LIBRARY).as_posix()


def lines_of_code(source: str) -> set[int]:
    """Numbers of the lines that hold more than a comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    spans = (range(token.start[0], token.end[0] + 1) for token in tokens if token.type not in NO_CODE)
    return set().union(*spans)


def function_lengths(source: str) -> dict[str, int]:
    """Code lines of each function, its signature and the functions within it included, its docstring not."""
    code, lengths = lines_of_code(source), {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = code & {*range(node.lineno, node.end_lineno + 1)}
            if ast.get_docstring(node) is not None:
                own -= {*range(node.body[0].lineno, node.body[0].end_lineno + 1)}
            lengths[node.name] = max(len(own), lengths.get(node.name, 0))
    return lengths


def lint_imports(scripts: Path) -> subprocess.CompletedProcess[str]:
    """Hold the library below `scripts` to the contracts in pyproject.toml."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", REPO / "pyproject.toml"]
    environ = os.environ | {"PYTHONPATH": str(scripts), "COLUMNS": "200"}
    return subprocess.run(command, cwd=scripts, env=environ, text=True, capture_output=True, check=False)


def test_module_names_are_unique():
    names = [path.stem for path in MODULES] + [path.name for path in PACKAGES]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_module_has_the_name_of_one_of_the_standard_library():
    assert [name_of(path) for path in MODULES if path.stem in sys.stdlib_module_names] == []


def test_no_module_stands_beside_its_own_plural():
    names = {path.stem for path in MODULES} | {path.name for path in PACKAGES}
    assert sorted(name for name in names if names & {f"{name}s", f"{name}es"}) == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.relative_to(SCRIPTS).as_posix())
def test_a_folder_has_few_modules(package):
    assert sum(path.parent == package for path in MODULES) <= MOST_MODULES


def test_every_folder_of_modules_is_a_package():
    assert {path.parent for path in MODULES} <= set(PACKAGES)


def test_packages_import_nothing():
    """What only plans with the library (`snakemake -n`) must not load torch or scanpy on the way to a module."""
    imports = {
        name_of(package / "__init__.py"): [
            node
            for node in ast.walk(ast.parse((package / "__init__.py").read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        for package in PACKAGES
    }
    own = imports.pop("__init__.py")  # an environment variable has to be set before torch; the rest is loaded on demand
    assert [alias.name for node in own for alias in node.names] == ["os", "import_module"]
    assert {name: nodes for name, nodes in imports.items() if nodes} == {}


def test_functions_are_short():
    lengths = {
        f"{name_of(path)}:{name}": length
        for path in MODULES
        for name, length in function_lengths(path.read_text()).items()
    }
    assert {
        name: length for name, length in lengths.items() if length > MOST_CODE_LINES and name not in LONG_FUNCTIONS
    } == {}
    assert {name for name in LONG_FUNCTIONS if lengths.get(name, 0) <= MOST_CODE_LINES} == set()


def test_the_counter_counts_code():
    signature = ["def f(", "    a,", "):"]
    silent = ['    """One line', "", '    and more."""', "    # why", ""]
    body = ['    text = """first', "", '    last"""  # said', "    return text", ""]
    assert function_lengths("\n".join([*signature, *silent, *body])) == {"f": 7}


def test_tests_mirror_the_packages():
    folders = {path.name for path in (REPO / "tests").iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert folders - NO_PACKAGE <= {package.name for package in PACKAGES if package.parent == LIBRARY}


def test_imports_point_downward():
    done = lint_imports(SCRIPTS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("into", "package", "module"),
    [("core/errors.py", "report", "page"), ("cnv/settings.py", "cohort", "composition")],
)
def test_an_upward_import_is_found(tmp_path, into, package, module):
    shutil.copytree(LIBRARY, tmp_path / "cellcohort", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "cellcohort" / into).open("a") as file:
        file.write(UPWARD.format(package=package, module=module))
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "A package imports from those below it BROKEN" in done.stdout
    assert f"cellcohort.{into.replace('/', '.')[:-3]} -> cellcohort.{package}.{module}" in done.stdout


def test_facts_know_no_figures(tmp_path):
    shutil.copytree(LIBRARY, tmp_path / "cellcohort", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "cellcohort" / "report" / "facts" / "patients.py").open("a") as file:
        file.write(UPWARD.format(package="figures", module="palette"))
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cellcohort.report.facts.patients -> cellcohort.report.figures.palette" in done.stdout
