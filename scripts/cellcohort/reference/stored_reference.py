"""The findings about a reference file before any job: its tables, and a few values of its matrix, without pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py

from ..core.errors import InputError, reading
from ..inputs import obs_columns
from ..inputs.formats.anndata_matrices import looks_like_counts, not_a_matrix, readable_matrices, some_values, table_of
from ..inputs.formats.value_range import kind_by_range
from ..inputs.stores.stored_elements import has, member, open_store
from ..inputs.stores.text_columns import text_column
from .findings import Finding, reference_findings
from .lineages import lineage_findings


def stored_findings(reference: Mapping[str, Any], *, tissues: Iterable[str] = ()) -> list[Finding]:
    """The findings about the file that the config's `reference` section names, and `tissues` of samples.

    Raises
    ------
    InputError
        When what is asked for is not in the file, or its values cannot be counts: negative, NaN or infinite.
    """
    path = reference["path"]
    labels = obs_columns.labels(path, reference["label"])
    donors = None if reference.get("donor") is None else obs_columns.labels(path, reference["donor"])
    exclude = reference.get("exclude") or ()
    with reading(path):
        store = open_store(path)
        try:
            genes, kind, others = _of_matrix(store, path, reference)
        finally:
            if isinstance(store, h5py.File):
                store.close()
    found = reference_findings(labels, donors, genes, kind, exclude=exclude, other_counts=others)
    types = obs_columns.types_among(labels, exclude)
    return [*found, *(Finding("lineages", text) for text in lineage_findings(types, tissues))]


def planned_notes(config: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The findings of a run in words: of its reference, for the tissues and species of the sheet's `rows`."""
    rows = list(rows)
    all_mouse = all(row.get("species") == "mouse" for row in rows)
    found = stored_findings(config["reference"], tissues={row["tissue"] for row in rows if row.get("tissue")})
    return [finding.text for finding in found if not (finding.topic == "species" and all_mouse)]


def _of_matrix(store: Any, path: str | Path, reference: Mapping[str, Any]) -> tuple[list[str], str, list[str]]:
    """Names of the genes, the kind of values, and the other matrices that look like counts."""
    counts, column = reference.get("counts") or "X", reference.get("genes") or "index"
    place, table = table_of(counts)
    problem = not_a_matrix(store, place)
    if problem:
        raise InputError(f"{path}: counts {counts!r} {problem}. Set reference.counts to another matrix.")
    var = member(store, table)
    if column != "index" and not has(var, column):
        raise InputError(
            f"{path}: genes {column!r} is not a column of var. Set reference.genes to another, or to index."
        )
    names = obs_columns.index(var) if column == "index" else obs_columns.filled(text_column(var, column))
    try:
        kind = kind_by_range(some_values(store, counts))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if kind in ("counts", "expected counts"):
        return list(names), kind, []
    others = [name for name in readable_matrices(store) if name != counts]
    return list(names), kind, [name for name in others if looks_like_counts(store, name)]
