"""UMAP of the reference, with the cohort's cells placed among their nearest reference cells.

UMAP is fitted on the reference alone. A patient's cell is placed among its nearest reference cells, by their weights in
UMAP's fuzzy neighbour graph, without the stochastic refinement of `UMAP.transform`: so its place depends on that cell
and the reference only, and adding a patient moves nobody else (design law 1).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors
from umap import UMAP
from umap.umap_ import compute_membership_strengths, smooth_knn_dist

from ..outputs.parquet import read_frame
from ..outputs.schemas import UMAP as UMAP_SCHEMA
from .sampling import choose, choose_of_samples, stratum_cap, vectors_of

N_NEIGHBORS = 15
PLACING_NEIGHBORS = 5  # more would draw every cell to the middle of its group
MIN_DIST = 0.3


def project_umap(
    reference_path: str | Path,
    *,
    embeddings: Sequence[str | Path],
    annotations: Sequence[str | Path],
    calls: Sequence[str | Path] = (),
    max_points: int = 20_000,
    seed: int = 1,
) -> pd.DataFrame:
    """UMAP of the reference embedding with the cohort's cells placed in it (`schemas.UMAP`).

    Parameters
    ----------
    reference_path
        reference_embedding.parquet (cell_id, label, donor, split, vector).
    embeddings, annotations
        embedding.parquet and annotation.parquet of each sample, in the same order.
    calls
        cnv_cells.parquet of each sample, in the same order; none without copy number (cnv_call is missing then).
    max_points
        At most so many cells of the reference, and as many of the cohort. No stratum (type; label of a sample) has more
        than the same maximum, so that rare ones stay whole.
    seed
        Of the choice of cells and of UMAP. The choice does not depend on the order of a sample's cells.

    Returns
    -------
    No rows when the reference has too few cells for a neighbour graph (`N_NEIGHBORS`).
    """
    reference, vectors = _reference(reference_path, max_points, seed)
    if len(reference) <= N_NEIGHBORS:
        return pd.DataFrame(columns=UMAP_SCHEMA.names)
    neighbours = NearestNeighbors(n_neighbors=N_NEIGHBORS).fit(vectors)
    places = _fit(vectors, neighbours, seed)
    parts = [_points(reference.assign(set="reference", is_ood=False, cnv_call=None), places)]
    cohort = _choose_cohort(annotations, max_points, seed)
    calls_or_none: Sequence[str | Path | None] = calls or [None] * len(embeddings)
    for path, cells, called in zip(embeddings, cohort, calls_or_none, strict=True):
        if len(cells):
            cells = cells.assign(cnv_call=_calls_of(called, cells["cell_id"]))
            placed = _place(vectors_of(path, cells["cell_id"]), neighbours, places)
            parts.append(_points(cells.assign(set="cohort"), placed))
    return pd.concat(parts, ignore_index=True)[UMAP_SCHEMA.names]


def _reference(path: str | Path, max_points: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    cells = read_frame(path, ["cell_id", "label"]).assign(sample_id=None, patient_id=None)
    cells = choose(cells, stratum_cap(cells["label"].value_counts().to_numpy(), max_points), seed)
    return cells, vectors_of(path, cells["cell_id"])


def _fit(vectors: np.ndarray, neighbours: NearestNeighbors, seed: int) -> np.ndarray:
    distances, rows = neighbours.kneighbors(vectors)
    model = UMAP(
        n_neighbors=N_NEIGHBORS,
        min_dist=MIN_DIST,
        random_state=seed,
        n_jobs=1,
        precomputed_knn=(rows, distances.astype(np.float32)),
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
        return model.fit_transform(vectors)


def _place(vectors: np.ndarray, neighbours: NearestNeighbors, places: np.ndarray) -> np.ndarray:
    """Mean of the nearest reference cells' places, weighted as in UMAP's neighbour graph."""
    distances, rows = neighbours.kneighbors(vectors, n_neighbors=PLACING_NEIGHBORS)
    distances = distances.astype(np.float32)
    sigmas, rhos = smooth_knn_dist(distances, float(PLACING_NEIGHBORS))
    _, _, weights, _ = compute_membership_strengths(rows.astype(np.int32), distances, sigmas, rhos, bipartite=True)
    weights = weights.reshape(rows.shape)
    weights = weights / weights.sum(1, keepdims=True)
    return np.einsum("nk,nkd->nd", weights, places[rows])


def _choose_cohort(paths: Sequence[str | Path], max_points: int, seed: int) -> Iterator[pd.DataFrame]:
    """The chosen cells of each sample."""
    names = ["cell_id", "sample_id", "patient_id", "label", "is_ood"]
    return choose_of_samples(lambda path: read_frame(path, names), paths, max_points, seed)


def _calls_of(path: str | Path | None, cell_ids: pd.Series) -> np.ndarray | None:
    if path is None:
        return None
    return read_frame(path, ["cell_id", "cnv_call"]).set_index("cell_id")["cnv_call"].reindex(cell_ids).to_numpy(object)


def _points(cells: pd.DataFrame, places: np.ndarray) -> pd.DataFrame:
    return cells.assign(x=places[:, 0], y=places[:, 1])
