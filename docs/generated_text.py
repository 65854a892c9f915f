"""Text of the site that exists elsewhere: the columns of every result, and the help of every command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from cellcohort.outputs import schemas

REPO = Path(__file__).resolve().parents[1]
_WIDTH = 84
SCHEMA_OF = {
    "cohort/verdict": schemas.COHORT_VERDICT,
    "cohort/cnv_arms": schemas.COHORT_CNV_ARMS,
    "patients/{patient}/cnv_cells": schemas.with_sample(schemas.CNV_CELLS),
}
"""Tables whose schema is not named after their file."""
_WRITTEN_ELSEWHERE = re.compile(r"(the (patient|sample)'s (rows|part) of|all samples'|as ) ?")
_TYPES = {
    "string": "text",
    "bool": "true or false",
    "list<item: string>": "list of text",
    "list<item: float>": "list of numbers",
    **dict.fromkeys(("int8", "int32", "int64"), "whole number"),
    **dict.fromkeys(("float", "double"), "number"),
}


def command_help() -> str:
    """What each command says to --help."""
    from typer.main import get_command

    from cellcohort.commands.app import app

    return "\n".join(_help_of(get_command(app), "cellcohort"))


def _help_of(command: Any, name: str, parent: Any = None) -> list[str]:
    """The help of a command, then that of the commands below it."""
    settings = command.context_settings | {"terminal_width": _WIDTH}
    context = command.context_class(command, info_name=name, parent=parent, **settings)
    text = f"## {context.command_path}\n```text\n{command.get_help(context).strip()}\n```\n"
    below = command.list_commands(context) if hasattr(command, "list_commands") else []
    return [text, *(part for one in below for part in _help_of(command.get_command(context, one), one, context))]


def result_tables() -> str:
    """Each result file by docs/design.md, with its columns by their schema and by config/README.md."""
    return "\n".join(_section(title, rows) for title, rows in result_files().items())


def result_files() -> dict[str, list[tuple[list[str], str, str]]]:
    """Paths, rule and content of the result files, by section of docs/design.md."""
    page = (REPO / "docs" / "design.md").read_text(encoding="utf-8")
    sections = re.split(r"^### ", page[page.index("## Result files") : page.index("## Laws")], flags=re.M)[1:]
    found = {}
    for section in sections:
        rows = re.findall(r"^\| (`.+?) \| (.+?) \| (.+) \|$", section, re.M)
        found[section.splitlines()[0]] = [(re.findall(r"`([^`]+)`", files), *rest) for files, *rest in rows]
    return found


def _section(title: str, rows: list[tuple[list[str], str, str]]) -> str:
    lines = [f"## {title}", "| file | content | written by |", "|---|---|---|"]
    lines += [f"| {', '.join(f'`{path}`' for path in paths)} | {content} | {rule} |" for paths, rule, content in rows]
    for paths, _, content in rows:
        schema = schema_of(paths[0])
        if schema is not None and not _WRITTEN_ELSEWHERE.match(content):
            name = Path(paths[0]).stem
            lines += ["", f"### {name}", f"The columns of `{paths[0]}`:", "", *_columns(name, schema)]
    return "\n".join([*lines, ""])


def schema_of(path: str) -> pa.Schema | None:
    """The schema of a result file; None for what is no table or has no fixed columns."""
    if not path.endswith(".parquet"):
        return None
    name = path.removesuffix(".parquet")
    return SCHEMA_OF.get(name) or getattr(schemas, Path(path).stem.upper(), None)


def _columns(name: str, schema: pa.Schema) -> list[str]:
    """A table of the columns; those that config/README.md explains together share a line."""
    explained = explained_columns().get(name, [])
    known = {column for columns, _ in explained for column in columns}
    if not explained or not known <= set(schema.names):
        return ["| column | type |", "|---|---|", *(f"| `{field.name}` | {_type(field)} |" for field in schema)]
    lines = [f"| {_typed(schema, columns)} | {meaning} |" for columns, meaning in explained]
    rest = [f"| {_typed(schema, [column])} | |" for column in schema.names if column not in known]
    return ["| column | meaning |", "|---|---|", *lines, *rest]


def explained_columns() -> dict[str, list[tuple[list[str], str]]]:
    """Columns and their meaning by table, from those tables of config/README.md that explain columns."""
    page = (REPO / "config" / "README.md").read_text(encoding="utf-8")
    page = page[page.index("## The columns of annotation.parquet") :]
    found: dict[str, list[tuple[list[str], str]]] = {}
    for table in re.finditer(r"^\| column(?: of (\w+))? \| meaning \|\n\|---\|---\|\n((?:\|.+\n)+)", page, re.M):
        name = table[1] or re.findall(r"(\w+)\.parquet", page[: table.start()])[-1]
        rows = re.findall(r"^\| (.+?) \| (.+) \|$", table[2], re.M)
        found[name] = [(re.findall(r"`(\w+)`", columns), meaning) for columns, meaning in rows]
    return found


def _typed(schema: pa.Schema, columns: list[str]) -> str:
    return ", ".join(f"`{column}` ({_type(schema.field(column))})" for column in columns)


def _type(field: pa.Field) -> str:
    return _TYPES[str(field.type)] + (", may be missing" if field.nullable else "")


GENERATED = {"command help": command_help, "result tables": result_tables}
