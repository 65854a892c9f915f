"""Integration quality of the embedding: scIB's metrics of types kept apart and donors mixed, by scib-metrics.

Luecken et al., Benchmarking atlas-level data integration in single-cell genomics, Nature Methods 19:41 (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scib_metrics
from scib_metrics.nearest_neighbors import NeighborsResults
from sklearn.neighbors import NearestNeighbors

from ..outputs.parquet import read_frame
from ..outputs.schemas import INTEGRATION
from .sampling import choose, choose_of_samples, stratum_cap, vectors_of

MOST_CELLS = 3_000
NEIGHBORS = 90
_FEW = 30
_BIO, _BATCH = "types kept apart", "donors mixed"


def integration(
    reference_path: str | Path,
    *,
    embeddings: Sequence[str | Path],
    annotations: Sequence[str | Path],
    seed: int = 1,
) -> pd.DataFrame:
    """Metrics of reference and cohort together in the embedding (`schemas.INTEGRATION`), 0 worst and 1 best.

    Batches are the reference's donors and the patients. Cells of the cohort count with their given label and only when
    they are not OOD, at most `MOST_CELLS` of them and as many of the reference, evenly over the types.

    Parameters
    ----------
    reference_path
        reference_embedding.parquet.
    embeddings, annotations
        embedding.parquet and annotation.parquet of each sample, in the same order.

    Returns
    -------
    No rows with fewer than two types, two batches or 30 cells; those on batches alone are left out when no type has
    cells of two of them.
    """
    cells, vectors = _gather(reference_path, embeddings, annotations, seed)
    labels, batches = cells["label"].to_numpy(str), cells["batch"].to_numpy(str)
    if len(cells) < _FEW or len(set(labels)) < 2 or len(set(batches)) < 2:
        return INTEGRATION.empty_table().to_pandas()
    rows = [(*row, len(cells)) for row in _metrics(vectors, labels, batches)]
    table = pd.DataFrame(rows, columns=["aspect", "metric", "value", "meaning", "n_cells"])
    return table[INTEGRATION.names]


def _metrics(vectors: np.ndarray, labels: np.ndarray, batches: np.ndarray) -> list[tuple[str, str, float, str]]:
    neighbours = _neighbours(vectors)
    mixed = "Cells of one type lie together whatever donor they are from"
    kept_apart = [
        (_BIO, "silhouette of types", scib_metrics.silhouette_label(vectors, labels),
         "Cells lie nearer to their own type than to the next one (0.5: no nearer)"),
        (_BIO, "cLISI", scib_metrics.clisi_knn(neighbours, labels), "A cell's neighbours are of its own type"),
    ]  # fmt: skip
    if pd.Series(batches).groupby(labels).nunique().max() < 2:  # no type of which donors could be compared
        return kept_apart
    return [
        *kept_apart,
        (_BATCH, "silhouette of donors", scib_metrics.silhouette_batch(vectors, labels, batches), mixed),
        (_BATCH, "iLISI", scib_metrics.ilisi_knn(neighbours, batches),
         "A cell's neighbours come from all donors evenly; low where types differ between donors, too"),
        (_BATCH, "graph connectivity", scib_metrics.graph_connectivity(neighbours, labels),
         "All cells of a type are linked through neighbours"),
    ]  # fmt: skip


def _neighbours(vectors: np.ndarray) -> NeighborsResults:
    number = min(NEIGHBORS, len(vectors) - 1)
    distances, rows = NearestNeighbors(n_neighbors=number).fit(vectors).kneighbors(vectors)
    return NeighborsResults(indices=rows, distances=distances)


def _gather(
    reference: str | Path, embeddings: Sequence[str | Path], annotations: Sequence[str | Path], seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """label and batch of the chosen cells, and their vectors."""
    cells = read_frame(reference, ["cell_id", "label", "donor"])
    cells = choose(cells, stratum_cap(cells["label"].value_counts().to_numpy(), MOST_CELLS), seed)
    parts = [cells.assign(batch="reference|" + cells["donor"].fillna("unknown"))]
    vectors = [vectors_of(reference, cells["cell_id"])]
    cohort = choose_of_samples(_explained, annotations, MOST_CELLS, seed)
    for path, cells in zip(embeddings, cohort, strict=True):
        if len(cells):
            parts.append(cells.assign(batch="patient|" + cells["patient_id"]))
            vectors.append(vectors_of(path, cells["cell_id"]))
    return pd.concat(parts, ignore_index=True)[["label", "batch"]], np.concatenate(vectors)


def _explained(annotation: str | Path) -> pd.DataFrame:
    cells = read_frame(annotation, ["cell_id", "sample_id", "patient_id", "label", "is_ood"])
    return cells[~cells["is_ood"]].reset_index(drop=True)
