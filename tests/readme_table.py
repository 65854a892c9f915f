"""Write tests/README.md: how the tests are laid out, and the catalogue of odd inputs as a table.

`python tests/readme_table.py` writes it anew; tests/test_readme.py compares it with the catalogue.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

HERE = Path(__file__).resolve().parent
PATH = HERE / "README.md"
INTRODUCTION = """# Tests
<!-- written by readme_table.py from helpers/odd_inputs -->
A folder holds the tests of the library's package of that name; `workflow/` those that plan or run with Snakemake;
`helpers/` what they share; `benchmarks/` what `make benchmark` and `make study` run. `make test` runs all tests.

That the tests notice faults is tested, too: `make mutants` plants those of `benchmarks/planted_faults.py` one at a
time, and names the ones that no test sees. `benchmarks/fuzz.py` damages good files at random and asks that each is read
or rejected.

## Odd inputs
What people's files, sheets and configs look like, and what becomes of them: {n} inputs, made by code. A sample is
*read* or *rejected* (with the reason in its status, while the cohort goes on); a plan is *planned* or *stopped* before
any job. The last column is a part of the reason, or of a note.
"""


def content() -> str:
    """The whole of tests/README.md."""
    import odd_inputs

    modules = [import_module(f"odd_inputs.{module.name}") for module in iter_modules(odd_inputs.__path__)]
    topics = [(module.__doc__ or "", module.CASES) for module in modules if hasattr(module, "CASES")]
    parts = [INTRODUCTION.format(n=sum(len(cases) for _, cases in topics))]
    for title, cases in topics:
        rows = [f"| `{case.name}` | {_cell(case.condition)} | {case.outcome} | {_cell(case.says)} |" for case in cases]
        heading = title.splitlines()[0].rstrip(".")
        header = [f"### {heading}", "| name | condition | outcome | reason or note |", "|---|---|---|---|"]
        parts.append("\n".join([*header, *rows, ""]))
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Text as a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.path[:0] = [str(HERE / "helpers"), str(HERE.parent / "scripts")]
    PATH.write_text(content(), encoding="utf-8")
