"""What a sample's file holds and whether it would be used, from its tables and a few of its cells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import InputError
from ..genes.align_sample import align_sample
from ..genes.named_species import named_species, species_conflict
from ..inputs.bundle_files import check_format
from ..inputs.config import config_schema, with_defaults
from ..inputs.counts import Counts, open_sample
from ..inputs.trial_opening import try_opening
from ..outputs.parquet import read_frame
from ..qc.quality_control import Thresholds, hard_limits

_FORMATS = {".h5ad": ".h5ad", ".zarr": ".zarr", ".h5": "10x .h5"}


def summarise_file(path: Path, sample: Mapping[str, Any], *, bundle: Path | None = None) -> dict[str, Any]:
    """Look at a sample's file without loading it.

    Parameters
    ----------
    sample
        `counts`, `genes` and `species` as in the sample sheet; without a species the one that the genes' names tell.
    bundle
        Folder of a trained model, whose genes are looked for.

    Returns
    -------
    path, format, n_cells, n_genes, species (named by the genes), kind, cells_looked_at, obs_columns, other_counts,
    vocabulary, notes, and why the file would be rejected (None where it would not), each None as far as it was not
    reached.
    """
    names = ("n_cells", "n_genes", "species", "kind", "cells_looked_at", "obs_columns", "other_counts", "vocabulary")
    found: dict[str, Any] = {"path": str(path), "format": _format(path), **dict.fromkeys(names), "notes": []}
    reason = None
    try:
        try_opening(path, partial(_read_names, sample, path))
        counts = open_sample(sample, path)
        _describe(counts, found)
        named = sample.get("species") or (found["species"] if found["species"] in ("human", "mouse") else "human")
        if named == "mouse" and not sample.get("species"):
            found["notes"].append("its sheet has to say species mouse, as its genes are named so")
        _look_at_cells(counts, found)
        reason = _genes(counts, dict(sample) | {"species": named}, path, bundle, found)
    except InputError as error:
        reason = str(error)
    return found | {"rejected": reason}


def _format(path: Path) -> str:
    return _FORMATS.get(path.suffix) or ("10x folder" if path.is_dir() else "unknown")


def _read_names(sample: Mapping[str, Any], path: Path) -> np.ndarray:
    return open_sample(sample, path).cell_ids


def _describe(counts: Counts, found: dict[str, Any]) -> None:
    """Sizes, names and columns; InputError for what has none."""
    found |= {"n_cells": counts.n_cells, "n_genes": counts.n_genes, "obs_columns": counts.obs_columns}
    found["notes"] += counts.notes
    if counts.n_other_features:
        found["notes"].append(
            f"{counts.n_other_features:,} features that are no genes (peaks, antibodies) are left out"
        )
    if not counts.n_cells or not counts.n_genes:
        raise InputError(
            f"{counts.path}: the file has {counts.n_cells} cells and {counts.n_genes} genes. Leave it out."
        )
    _ = counts.cell_ids  # unique, as many as rows
    found["species"] = named_species(counts.genes)


def _look_at_cells(counts: Counts, found: dict[str, Any]) -> None:
    """The kind of values, and the counts and genes of the cells that were looked at, where any can be read alone."""
    found["kind"] = counts.quick_kind()
    if not counts.reads_cells:
        found["notes"].append("the matrix is not stored by cells: the kind of values is told from some of them")
        return
    found["other_counts"] = counts.other_counts()
    cells = counts.some_cells()
    cells.eliminate_zeros()
    sums, n_genes = np.asarray(cells.sum(axis=1)).ravel(), np.diff(cells.indptr)
    floor = hard_limits(Thresholds(), counts, found["notes"])
    shallow = (sums < floor.min_counts) | (n_genes < floor.min_genes)
    found["cells_looked_at"] = {
        "n_cells": len(sums),
        "median_sum": round(float(np.median(sums)), 1),
        "median_genes": int(np.median(n_genes)),
        "share_too_shallow": round(float(shallow.mean()), 3),
    }


def _genes(
    counts: Counts, sample: dict[str, Any], path: Path, bundle: Path | None, found: dict[str, Any]
) -> str | None:
    """Why the names of the genes rule the file out, with the bundle's genes where there is one."""
    if bundle is None:
        nothing = pd.DataFrame({"symbol": [], "gene_id": []}, dtype=object)
        conflict = species_conflict(counts.genes, nothing, sample["species"])
        return f"{path}: {conflict}" if conflict else None
    check_format(bundle / "config.json")
    vocabulary = read_frame(bundle / "vocabulary.parquet")
    record = {"n_cells": counts.n_cells, "n_passed": 0, "kind": found["kind"], "rejected": None, "notes": []}
    names = {"sample_id": path.name, "patient_id": path.name}
    alignment, status = align_sample(sample | names, str(path), vocabulary, record, min_share=_default_min_share())
    found["vocabulary"] = {
        "n_genes": len(vocabulary),
        "n_found": len(alignment.measured),
        "share": round(alignment.share, 4),
    }
    found["notes"] += status["notes"]
    return status["reason"]


def _default_min_share() -> float:
    """vocabulary.min_share of a config that does not set it."""
    return with_defaults({}, config_schema())["vocabulary"]["min_share"]
