"""docs/design.md names what exists: modules, rules, files, columns; and the laws that code cites."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pyarrow as pa
import pytest

from cellcohort.outputs import schemas

REPO = Path(__file__).resolve().parents[1]
LIBRARY = REPO / "scripts" / "cellcohort"
DESIGN = (REPO / "docs" / "design.md").read_text()
RULES = {path.stem: path.read_text() for path in sorted((REPO / "workflow" / "rules").glob("*.smk"))}
SCHEMAS = {name.lower(): schema for name, schema in vars(schemas).items() if isinstance(schema, pa.Schema)}
FILE_OF = {"cohort_cnv_arms": "cnv_arms", "cohort_verdict": "verdict"}  # where a schema is not named after its file
CITED = {".py", ".smk", ".yaml", ".rst", ".j2", ".js", ".css"}


def described() -> dict[str, str]:
    """Each result file, below <results>, with the row of the page that is about it."""
    section = DESIGN[DESIGN.index("## Result files") : DESIGN.index("## Laws")]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return {path: row for row in rows for path in re.findall(r"`((?:[\w{}*]+/)*[\w{}*]+\.\w+)`", row.split(" | ")[0])}


def written() -> set[str]:
    """Each output of a rule, below <results>."""
    outputs = "".join(
        block for text in RULES.values() for block in re.findall(r"^    output:\n(.*?)^    \w+:\n", text, re.M | re.S)
    )
    return set(re.findall(r"<results>/([^\"]+)", outputs)) | ({"figures/*.svg"} if "figure(" in outputs else set())


def test_every_module_is_described():
    modules = {path.relative_to(LIBRARY).as_posix() for path in LIBRARY.rglob("*.py") if path.name != "__init__.py"}
    assert set(re.findall(r"^\| `([\w/]+\.py)` \|", DESIGN, re.M)) == modules


def test_the_order_of_the_packages_is_that_of_the_linter():
    order = re.search(r"lowest first: ([\w, \n]+)\.", DESIGN)[1].replace("\n", " ").split(", ")
    contract = re.search(
        r'containers = \["cellcohort"\].*?layers = \[(.*?)\]', (REPO / "pyproject.toml").read_text(), re.S
    )
    assert order == re.findall(r'"(\w+)"', contract[1])[::-1]
    assert re.findall(r"^\*\*(\w+)\*\* ", DESIGN, re.M) == order


def test_what_is_pointed_at_exists():
    named = re.findall(r"`([\w/]+\.py)`(?:, `(\w+)`)?", DESIGN[: DESIGN.index("## Terms")])
    assert len(named) > 10
    for path, function in named:
        assert not function or re.search(rf"^def {function}\(", (LIBRARY / path).read_text(), re.M), (path, function)


def test_every_rule_is_described():
    rules = [name for text in RULES.values() for name in re.findall(r"^rule (\w+):", text, re.M)]
    section = DESIGN[DESIGN.index("## Rules") : DESIGN.index("## Config")]
    table = " ".join(line for line in section.splitlines() if line.startswith("|"))
    assert sorted(re.findall(r"`(\w+)`", table)) == sorted(rules)


def test_every_result_file_is_described():
    assert set(described()) == written()


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_column_is_described(name):
    file = FILE_OF.get(name, name)
    rows = [row for path, row in described().items() if re.search(rf"(^|/){file}s?\.parquet$", path)]
    assert rows
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert sorted(set(SCHEMAS[name].names) - named) == []


def test_the_laws_are_numbered():
    laws = re.findall(r"^(\d+)\. \*\*", DESIGN, re.M)
    assert laws == list("123456789")
    cited = {
        law for path in (REPO / "scripts").rglob("*.py") for law in re.findall(r"design law (\d+)", path.read_text())
    }
    assert cited
    assert cited <= set(laws)


@pytest.mark.parametrize("folder", ["scripts", "workflow"])
def test_the_contract_is_cited_by_its_numbers(folder):
    files = [path for path in (REPO / folder).rglob("*") if path.suffix in CITED]
    assert len(files) > 10
    found = {
        path: re.findall(r"(?i:\bissue \d)|\bDESIGN\b|(?<!design )\b[Ll]aw \d", path.read_text()) for path in files
    }
    assert {path.relative_to(REPO).as_posix(): cited for path, cited in found.items() if cited} == {}


@pytest.mark.parametrize("page", ["README.md", "config/README.md", "tests/benchmarks/README.md"])
def test_what_a_page_imports_exists(page):
    code = "\n".join(re.findall(r"```python\n(.*?)```", (REPO / page).read_text(), re.S))
    for module, names in re.findall(r"^from (cellcohort[\w.]*) import (.+)$", code, re.M):
        found = importlib.import_module(module)
        assert [name for name in re.split(r",\s*", names) if not hasattr(found, name)] == []
