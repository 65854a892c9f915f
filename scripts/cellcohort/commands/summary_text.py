"""Summaries of files as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

_MOST_COLUMNS = 12
_MOST_LABELS = 30
_WORTH_SAYING = 0.01


def file_text(found: Mapping[str, Any]) -> str:
    """The summary of a sample's file, a fact a line."""
    lines = [("format", found["format"])]
    if found["n_cells"] is not None:
        lines.append(("cells", f"{found['n_cells']:,}"))
        named = (
            f", named as those of {found['species']}" if found["species"] else ", of no species that their names tell"
        )
        lines.append(("genes", f"{found['n_genes']:,}{named}"))
    if found["kind"]:
        others = f" (like counts: {', '.join(found['other_counts'])})" if found["other_counts"] else ""
        lines.append(("values", found["kind"] + others))
    if found["cells_looked_at"]:
        lines.append(("per cell", _per_cell(found["cells_looked_at"], found["kind"])))
    if found["vocabulary"]:
        genes = found["vocabulary"]
        lines.append(("model", f"{genes['n_found']:,} of its {genes['n_genes']:,} genes ({genes['share']:.1%})"))
    if found["obs_columns"]:
        lines.append(("obs", _some(found["obs_columns"], _MOST_COLUMNS)))
    lines += [("note", note) for note in found["notes"]]
    return _text(found, lines, "can be used")


def reference_text(found: Mapping[str, Any]) -> str:
    """The summary of a reference, a fact a line."""
    lines = []
    if found["labels"]:
        named = [f"{label} {n:,}" for label, n in found["labels"].items()]
        lines += [("cells", f"{found['n_cells']:,}"), ("labels", f"{len(named)}: {_some(named, _MOST_LABELS)}")]
    if found["n_donors"] is not None:
        lines.append(("donors", f"{found['n_donors']:,}"))
    lines += [("note", finding["text"]) for finding in found["findings"]]
    return _text(found, lines, "can be trained on")


def _per_cell(cells: Mapping[str, Any], kind: str) -> str:
    counted = f"{cells['median_sum']:,g} counts and " if kind in ("counts", "expected counts") else ""
    few = cells["share_too_shallow"]
    shallow = f"; {few:.0%} are too shallow for the default qc" if few >= _WORTH_SAYING else ""
    return f"{counted}{cells['median_genes']:,} genes (medians of {cells['n_cells']:,} cells){shallow}"


def _some(names: list[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _text(found: Mapping[str, Any], lines: list[tuple[str, str]], well: str) -> str:
    verdict = typer.style("rejected", fg="red") if found["rejected"] else typer.style("ok", fg="green")
    reason = (found["rejected"] or well).removeprefix(f"{found['path']}: ")
    return "\n".join([found["path"], *(f"  {name:<9} {text}" for name, text in lines), f"  {verdict}: {reason}"])
