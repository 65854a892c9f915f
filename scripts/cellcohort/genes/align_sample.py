"""Match one sample's genes to the vocabulary, and decide whether the sample can be used."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..core.errors import InputError
from ..inputs.counts import open_sample
from ..inputs.gene_panels import PANEL
from ..inputs.resources import gene_aliases, mouse_orthologs
from .alignment import Alignment, align_genes
from .gene_name_notes import name_notes, shown_beside
from .named_species import species_conflict

log = logging.getLogger(__name__)
FEWEST_MEASURED = 30
"""Genes of the vocabulary that a panel must have for its cells to be named: of fewer, a tenth of the cells and more
have no count in any, and types are confused (tests/benchmarks/README.md)."""


def align_sample(
    sample: Mapping[str, Any],
    path: str,
    vocabulary: pd.DataFrame,
    record: Mapping[str, Any],
    *,
    min_share: float,
    on_invalid: str = "reject",
) -> tuple[Alignment, dict[str, Any]]:
    """Match a sample's genes to the vocabulary and decide whether it is used.

    Only the names of the genes are read. Genes of a file that could not be opened are all missing. A sample is rejected
    when its genes are named as those of another species than the sheet says, or too few are found: a panel of genes
    needs `FEWEST_MEASURED`, any other file `min_share` of the vocabulary.

    Parameters
    ----------
    record
        The sample's input.json.
    min_share
        Share of the vocabulary below which the sample is rejected.

    Returns
    -------
    The alignment and the content of status.json.
    """
    species, notes = sample.get("species") or "human", list(record["notes"])
    genes = _genes(sample, path, opened=record["n_cells"] > 0)
    alignment = align_genes(genes, vocabulary, gene_aliases(), species=species, orthologs=mouse_orthologs())
    reason = record["rejected"]
    if reason is None:
        reason = _unfit_names(path, genes, vocabulary, alignment, species, min_share)
        if reason is not None and on_invalid == "fail":
            raise InputError(reason)
    matches = alignment.table["match"].value_counts()
    log.info("genes of the vocabulary by match: %s", ", ".join(f"{match} {n}" for match, n in matches.items()))
    if reason is not None:
        log.warning("rejected: %s", reason)
    if matches.get("ortholog", 0):
        notes.append(f"{matches['ortholog']} genes of the vocabulary were matched by their mouse ortholog")
    notes += name_notes(genes, alignment, species)
    if reason is None and alignment.share < min_share:
        notes.append(_panel_note(genes, alignment))
    return alignment, {
        "sample_id": sample["sample_id"],
        "patient_id": sample["patient_id"],
        "status": "ok" if reason is None else "rejected",
        "reason": reason,
        "n_cells": record["n_cells"],
        "n_cells_kept": record["n_passed"] if reason is None else 0,
        "vocabulary_share": round(alignment.share, 6),
        "value_kind": record["kind"],
        "notes": notes,
    }


def _genes(sample: Mapping[str, Any], path: str, *, opened: bool) -> pd.DataFrame:
    """The genes of the sample; none of a file that could not be opened, which may crash or hold the library."""
    try:
        if opened:
            return open_sample(sample, path).genes
    except InputError as error:
        log.warning("%s", error)
    return pd.DataFrame({"symbol": [], "gene_id": []}, dtype=object)


def _unfit_names(
    path: str, genes: pd.DataFrame, vocabulary: pd.DataFrame, alignment: Alignment, species: str, min_share: float
) -> str | None:
    """Why the genes' names rule the sample out; None where they do not."""
    conflict = species_conflict(genes, vocabulary, species)
    if conflict is not None:
        return f"{path}: {conflict}"
    n_found, is_panel = len(alignment.measured), len(genes) < PANEL
    if alignment.share >= min_share or (is_panel and n_found >= FEWEST_MEASURED):
        return None
    asked = f" (a panel of {len(genes)} genes needs {FEWEST_MEASURED} of them)" if is_panel else ""
    return (
        f"{path}: {n_found} of the {len(alignment.table)} genes of the vocabulary are in the file, a share of "
        f"{alignment.share:.3f}, below vocabulary.min_share {min_share}{asked}. {shown_beside(genes, vocabulary)} "
        "Check `genes` and `species` in the sheet."
    )


def _panel_note(genes: pd.DataFrame, alignment: Alignment) -> str:
    n_found, n_others = len(alignment.measured), int((alignment.target < 0).sum())
    return (
        f"a panel of {len(genes):,} genes: {n_found} of the vocabulary's {len(alignment.table):,} are measured, and "
        f"the model is fitted to these. Its other {n_others} genes take no part; those that the reference has join the "
        "vocabulary where vocabulary.panels names the sample"
    )
