"""Read a patient's samples and the healthy reference: cells, annotation, and counts of some genes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from scipy import sparse

from ..core.files import read_json
from ..inputs.counts import Counts, open_sample
from ..outputs.parquet import read_frame


@dataclass(frozen=True)
class Sample:
    """One sample of the patient.

    Attributes
    ----------
    counts
        The opened counts.
    annotation
        annotation.parquet of the sample: one row for each cell that passed QC.
    positional
        positional.parquet of the sample, with the same cells; None: nothing is known of their genomes' blocks.
    """

    sample_id: str
    counts: Counts
    annotation: pd.DataFrame
    positional: pd.DataFrame | None = None


def open_samples(
    rows: Sequence[dict[str, Any]],
    counts: Sequence[str | Path],
    *,
    status: Sequence[str | Path],
    annotation: Sequence[str | Path],
    positional: Sequence[str | Path] | None = None,
) -> list[Sample]:
    """Open the patient's samples that are not rejected.

    Parameters
    ----------
    rows
        The samples' rows of the sheet.
    counts, status, annotation, positional
        Paths in the order of `rows`; positional.parquet where it is asked of the cells.
    """
    places: Sequence[str | Path | None] = positional or [None] * len(rows)
    return [
        Sample(row["sample_id"], open_sample(row, path), read_frame(table), read_frame(place) if place else None)
        for row, path, state, table, place in zip(rows, counts, status, annotation, places, strict=True)
        if read_json(state)["status"] == "ok"
    ]


@dataclass(frozen=True)
class HealthyReference:
    """The labelled healthy cells that may be borrowed: the opened counts and each cell's label (missing: unused)."""

    counts: Counts
    labels: pd.Series


def named_generator(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each name, so that no lineage or origin depends on which others there are."""
    return np.random.default_rng([seed, crc32(str(name).encode())])


def annotated_rows(sample: Sample) -> np.ndarray:
    """Row numbers of the annotated cells, in the order of the annotation."""
    rows = pd.Index(sample.counts.cell_ids).get_indexer(sample.annotation["cell_id"])
    if (rows < 0).any():
        raise ValueError(f"{sample.sample_id}: annotated cells are not in {sample.counts.path}")
    return rows


def read_genes(counts: Counts, rows: np.ndarray, names: np.ndarray, shared: list[str]) -> sparse.csr_matrix:
    """Counts of some rows, in their order, in the shared genes; genes of one name are summed."""
    column = pd.Index(shared).get_indexer(names)
    kept = np.flatnonzero(column >= 0)
    into = sparse.csr_matrix(
        (np.ones(len(kept), dtype=np.float32), (kept, column[kept])), shape=(len(names), len(shared))
    )
    order = np.argsort(rows, kind="stable")
    chunks = [chunk @ into for _, chunk in counts.chunks(rows[order])]
    stacked = sparse.vstack(chunks, format="csr")
    return stacked[np.argsort(order, kind="stable")]


def open_healthy(reference: dict[str, Any], counts: Counts, passed: np.ndarray) -> HealthyReference:
    """The healthy reference with the labels that the config names, for the cells that `passed` quality control."""
    return HealthyReference(counts, pd.Series(counts.obs_column(reference["label"])).where(passed))
