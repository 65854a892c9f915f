"""Names that would do something if a page, a template, a shell or a pickle took them for more than text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NAMES = {
    "Fibroblast": "<script>window.hacked=1</script>",
    "Macrophage": "\"><img src=x onerror='window.hacked=2'>",
    "Endothelial": "</script><script>window.hacked=3</script>",
    "T_cell": "<!--<script> T & B",
    "B_cell": "'; touch hacked; $(touch hacked) `touch hacked` {{ 7 * 7 }} {sample} {% raw %} \\",
    "GENE0": "<svg onload=window.hacked=4>",
    "GENE1": "</td></tr></table><b>HLA-A</b>",
    "GENE2": "${window.hacked=5}",
    "STRONG_SET": "<iframe src='javascript:window.hacked=6'></iframe>",
    "left ovary": "<style>*{display:none}</style>",
    "doublet": "</style><script>window.hacked=7</script>",
    "Cell cycle": "javascript:window.hacked=8",
}
"""By the harmless name that each replaces in made-up results (synthetic_results)."""
_HARMLESS = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in NAMES))


def hostile(text: str) -> str:
    """A text with the harmless names replaced."""
    return _HARMLESS.sub(lambda found: NAMES[found.group()], text)


def make_hostile(folder: Path) -> None:
    """Replace the names in every table and JSON file below a folder."""
    for path in folder.rglob("*.parquet"):
        table = pq.read_table(path)
        for number, field in enumerate(table.schema):
            if field.type == pa.string():
                values = [None if text is None else hostile(text) for text in table[field.name].to_pylist()]
                table = table.set_column(number, field, pa.array(values, field.type))
        pq.write_table(table, path)
    for path in folder.rglob("*.json"):
        path.write_text(json.dumps(_renamed(json.loads(path.read_text()))))


def _renamed(content: Any) -> Any:
    if isinstance(content, dict):
        return {hostile(name): _renamed(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_renamed(value) for value in content]
    return hostile(content) if isinstance(content, str) else content
