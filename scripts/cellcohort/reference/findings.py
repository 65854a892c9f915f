"""What should be known of a reference before a model is trained on it: findings in words; pandas is not needed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..inputs.placeholder_labels import names_no_type

FEW_CELLS = 20
"""Cells of a label below which it is named: a fifth of them, held out, are too few to judge it by."""
FEWEST_NAMES = 20
_MOUSE_ID = re.compile(r"ENSMUSG\d+")
_MOUSE_SYMBOL = re.compile(r"[A-Z][a-z0-9.\-]*[a-z][a-z0-9.\-]*")
_HUMAN_SYMBOL = re.compile(r"[A-Z][A-Z0-9.\-]*|C[0-9XY]+orf[0-9]+\w*")
_MOST_NAMED = 8


class Finding(NamedTuple):
    """What a finding is about (labels, few cells, donors, cells without donor, values, species, lineages), in words."""

    topic: str
    text: str


def reference_findings(
    labels: np.ndarray,
    donors: np.ndarray | None,
    genes: Sequence[str],
    kind: str,
    *,
    exclude: Collection[str] = (),
    other_counts: Sequence[str] = (),
) -> list[Finding]:
    """Judge the labelled cells of a reference by their tables alone.

    Parameters
    ----------
    labels, donors
        Of every cell of the file, str (n_cells,), empty where missing; None where no column of donors is named.
    genes
        Names of the genes, symbols or Ensembl ids.
    kind
        The kind of values, as in `inputs.value_kind`.
    exclude
        Labels that the config leaves out.
    other_counts
        The file's other matrices that look like counts.
    """
    n_cells = Counter(labels)
    used = {label: n for label, n in n_cells.items() if label not in exclude and not names_no_type(label)}
    of_used = None if donors is None else [donor for label, donor in zip(labels, donors, strict=True) if label in used]
    return [
        *_left_out(n_cells, used, exclude),
        *_few(used),
        *_donors(of_used),
        *_values(kind, other_counts),
        *_species(genes),
    ]


def named_as_mouse(genes: Iterable[str]) -> bool:
    """Whether most names that tell are Ensembl ids of mouse genes, or symbols spelled as those of mouse (Cd3d)."""
    names = list(genes)
    ids = [name for name in names if re.match(r"ENS[A-Z]*G\d", name)]
    if 2 * len(ids) >= len(names):
        return sum(map(bool, map(_MOUSE_ID.match, ids))) > len(ids) / 2
    n_human = sum(map(bool, map(_HUMAN_SYMBOL.fullmatch, names)))
    n_mouse = sum(map(bool, map(_MOUSE_SYMBOL.fullmatch, names)))
    return n_mouse >= FEWEST_NAMES and n_mouse > n_human


def _left_out(n_cells: Counter[str], used: dict[str, int], exclude: Collection[str]) -> list[Finding]:
    without = {label: n for label, n in n_cells.items() if label and label not in used}
    findings = []
    if n_cells[""]:
        findings.append(
            Finding("labels", f"{n_cells['']:,} of {n_cells.total():,} cells have no label and are left out")
        )
    words = {label: n for label, n in without.items() if label not in exclude}
    if words:
        findings.append(Finding("labels", f"labels that name no type are left out, with their cells: {_listed(words)}"))
    chosen = {label: n for label, n in without.items() if label in exclude}
    if chosen:
        findings.append(Finding("labels", f"left out by reference.exclude: {_listed(chosen)}"))
    return findings


def _few(used: dict[str, int]) -> list[Finding]:
    few = {label: n for label, n in used.items() if n < FEW_CELLS}
    if not few:
        return []
    text = (
        f"labels of fewer than {FEW_CELLS} cells, too few to learn from and to be judged by: {_listed(few)}. "
        "Join them to others, or name them in reference.exclude"
    )
    return [Finding("few cells", text)]


def _donors(donors: list[str] | None) -> list[Finding]:
    same_people = "the model is judged on other cells of the same people, which is easier than new patients are"
    if donors is None:
        return [Finding("donors", f"no donors are named (reference.donor): {same_people}")]
    n_cells = Counter(donors)
    n_without = n_cells.pop("", 0)
    findings = []
    if n_without:
        findings.append(
            Finding("cells without donor", f"{n_without:,} of {len(donors):,} labelled cells have no donor")
        )
    if len(n_cells) == 1:
        findings.append(Finding("donors", f"all cells are of one donor, {next(iter(n_cells))}: {same_people}"))
    return findings


def _values(kind: str, other_counts: Sequence[str]) -> list[Finding]:
    if kind in ("counts", "expected counts"):
        return []
    look = "look" if len(other_counts) > 1 else "looks"
    named = f"{' and '.join(other_counts)} {look} like counts"
    remedy = named if other_counts else "counts teach more, if there are any"
    return [Finding("values", f"the values are {kind}; {remedy} (reference.counts names another matrix)")]


def _species(genes: Sequence[str]) -> list[Finding]:
    if not named_as_mouse(genes):
        return []
    shown = ", ".join([name for name in genes if _MOUSE_ID.match(name) or _MOUSE_SYMBOL.fullmatch(name)][:3])
    text = f"its genes are named as those of mouse are ({shown}): human samples meet it by orthologs alone"
    return [Finding("species", text)]


def _listed(n_cells: dict[str, int]) -> str:
    """Labels with their cells, the most frequent first."""
    order = sorted(n_cells, key=lambda label: (-n_cells[label], label))
    more = f" and {len(order) - _MOST_NAMED} more" if len(order) > _MOST_NAMED else ""
    return ", ".join(f"{label} ({n_cells[label]:,})" for label in order[:_MOST_NAMED]) + more
