"""The documentation site, without building it: pages, links, figures that were measured, messages that exist."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import cellcohort
from cellcohort.outputs import schemas

REPO = Path(__file__).resolve().parents[1]
sys.path.append(str(REPO / "docs"))

from generated_text import GENERATED, command_help, explained_columns, result_tables, schema_of  # noqa: E402

CONF = (REPO / "docs" / "conf.py").read_text()
PATTERNS = ast.literal_eval(re.search(r"include_patterns = (\[.*?\])", CONF, re.S)[1])
PAGES = sorted(path.relative_to(REPO).as_posix() for pattern in PATTERNS for path in REPO.glob(pattern))
WITH_FIGURES = ["verdict", "unlike_the_reference", "copy_number", "explanations"]
MEASURED = r"(.+?)\(\[measured\]\(\.\./tests/benchmarks/README\.md#([\w-]+)\)\)"
FIGURE = r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+"
CELL = r"^```{code-cell} ipython3\n(?::tags: [^\n]*\n)?(.*?)^```"


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", (REPO / page).read_text(), flags=re.M | re.S)


def anchors(page: str) -> set[str]:
    """Names by which the headings of a page are linked to, as GitHub and MyST make them."""
    titles = re.findall(r"^#{1,4} (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: str) -> list[str]:
    """Targets of the page's links and pictures in the repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def measured(page: str) -> list[tuple[str, str]]:
    """Items of a page that say what was measured, each with the section that it names."""
    items = re.findall(r"^- (.+?)(?=^- |^$|\Z)", prose(page), re.M | re.S)
    return [match for item in items for match in re.findall(MEASURED, item, re.S)]


def section(page: str, anchor: str) -> str:
    """The section of a page under a heading of the second level."""
    parts = re.split(r"^## ", (REPO / page).read_text(), flags=re.M)
    return next(part for part in parts if part.splitlines()[0].lower().replace(" ", "-") == anchor)


def code() -> str:
    """All code that can say something to a user, with strings that go over several lines in one."""
    files = [*(REPO / "scripts").rglob("*.py"), *(REPO / "workflow").rglob("*.smk"), REPO / "workflow" / "Snakefile"]
    return re.sub(r'"\n\s+f?"', "", "\n".join(path.read_text() for path in files))


def test_every_page_is_in_the_table_of_contents():
    index = (REPO / "docs" / "index.md").read_text()
    blocks = re.findall(r"^```{toctree}\n(.*?)^```", index, re.M | re.S)
    entries = [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]
    targets = [re.sub(r"^.*<(.+)>$", r"\1", entry) for entry in entries]
    listed = [target[1:] + ".md" if target.startswith("/") else f"docs/{target}.md" for target in targets]
    assert sorted([*listed, "docs/index.md"]) == PAGES


@pytest.mark.parametrize("page", [*PAGES, "README.md"])
def test_every_link_leads_somewhere(page):
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        linked = ((REPO / page).parent / path).resolve() if path else REPO / page
        if not linked.exists() or (anchor and anchor not in anchors(linked.relative_to(REPO).as_posix())):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_site_links_to_pages_and_files_alone(page):
    linked = {((REPO / page).parent / target.partition("#")[0]).resolve() for target in links(page)}
    assert [path for path in linked if path.is_dir() and path != (REPO / page).parent] == []
    assert REPO / "README.md" not in linked, "the site does not have it"


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_every_figure_was_measured(page):
    items = measured(f"docs/{page}.md")
    assert len(items) >= 5
    for text, anchor in items:
        known = set(re.findall(FIGURE, section("tests/benchmarks/README.md", anchor)))
        figures = re.findall(rf"(?<![\w.-])(?:{FIGURE})(?![\w-])", text)
        assert [figure for figure in figures if len(figure) > 1 and figure not in known] == [], text


def test_every_message_is_one_that_is_said():
    said = code()
    quoted = re.findall(r"^\| `(.+?)` \|", (REPO / "docs" / "messages.md").read_text(), re.M)
    assert len(quoted) > 20
    parts = [part for message in quoted for part in re.split(r"\.\.\.|(?<=\.) ", message)]
    assert [part for part in parts if part.strip() and part.strip() not in said] == []


def test_every_public_function_is_on_the_page_of_the_api():
    named = set(re.findall(r"^.. autofunction:: cellcohort\.([\w.]+)$", (REPO / "docs" / "api.md").read_text(), re.M))
    module = ast.parse((REPO / "scripts" / "cellcohort" / "api" / "plots.py").read_text())
    plots = {f"pl.{node.name}" for node in module.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"}
    assert named == ({*cellcohort.__all__} - {"pl"}) | plots


def test_every_generated_text_has_its_place():
    marks = [name for page in PAGES for name in re.findall(r"<!-- generated: (.+?) -->", (REPO / page).read_text())]
    assert sorted(marks) == sorted(GENERATED)


def test_every_table_is_shown_with_all_its_columns():
    text = result_tables()
    shown = dict(re.findall(r"^The columns of `(\S+)`:\n(.*?)(?=^##|\Z)", text, re.M | re.S))
    for path, table in shown.items():
        assert re.findall(r"`(\w+)` \(|^\| `(\w+)` \|", table, re.M)
        assert {a or b for a, b in re.findall(r"`(\w+)` \(|^\| `(\w+)` \|", table, re.M)} == set(schema_of(path).names)
    known = {name for name, schema in vars(schemas).items() if isinstance(schema, pa.Schema)}
    kept = {Path(path).stem.upper() for path in shown}
    # The samples' part of what the patient has, and two that cohort/ has under the same name.
    assert known - kept <= {"COHORT_CNV_ARMS", "COHORT_VERDICT"}
    assert {"cohort/verdict.parquet", "patients/{patient}/verdict.parquet"} <= set(shown)


def test_every_explained_column_exists():
    for table, rows in explained_columns().items():
        schema = schemas.with_sample(schemas.CNV_CELLS) if table == "cnv_cells" else getattr(schemas, table.upper())
        assert {column for columns, _ in rows for column in columns} <= set(schema.names), table


def test_the_help_of_every_command_is_shown():
    text = command_help()
    for command in ("init", "check", "train", "annotate", "bundle", "bundle show"):
        assert f"## cellcohort {command}\n```text\nUsage: cellcohort {command} " in text


def test_the_notebook_is_code_without_outputs():
    assert list((REPO / "docs").glob("*.ipynb")) == []
    cells = re.findall(CELL, (REPO / "docs" / "notebook.md").read_text(), re.M | re.S)
    assert len(cells) > 10
    for cell in cells:
        ast.parse(cell)


def test_the_site_is_pinned_with_what_everything_else_is():
    def pins(name):
        return dict(re.findall(r"^([\w-]+)==([^;\s]+)", (REPO / name).read_text(), re.M))

    site = pins("requirements-docs.txt")
    assert {"sphinx", "myst-nb", "sphinx-book-theme", "numpydoc", "ipykernel"} <= set(site)
    others = pins("requirements.txt") | pins("requirements-dev.txt")
    assert {name: version for name, version in site.items() if others.get(name, version) != version} == {}
