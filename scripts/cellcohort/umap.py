"""One map of the reference and the cohort.

UMAP is fitted on the reference alone. A patient's cell is placed among its nearest reference cells, by their weights in
UMAP's fuzzy neighbour graph, without the stochastic refinement of `UMAP.transform`: so its place depends on that cell
and the reference only, and adding a patient moves nobody else (DESIGN law 1).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sklearn.neighbors import NearestNeighbors
from umap import UMAP
from umap.umap_ import compute_membership_strengths, smooth_knn_dist

from .cohort_tables import UMAP as UMAP_SCHEMA
from .tables import read_frame

N_NEIGHBORS = 15
PLACING_NEIGHBORS = 5  # more would draw every cell to the middle of its group
MIN_DIST = 0.3


def project_umap(
    reference_path: str | Path,
    *,
    embeddings: Sequence[str | Path],
    annotations: Sequence[str | Path],
    max_points: int = 20_000,
    seed: int = 1,
) -> pd.DataFrame:
    """UMAP of the reference embedding with the cohort's cells placed in it (`cohort_tables.UMAP`).

    Parameters
    ----------
    reference_path
        reference_embedding.parquet (cell_id, label, donor, split, vector).
    embeddings, annotations
        embedding.parquet and annotation.parquet of each sample, in the same order.
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
    parts = [_points(reference.assign(set="reference", is_ood=False), places)]
    cohort = _choose_cohort(annotations, max_points, seed)
    for path, cells in zip(embeddings, cohort, strict=True):
        if len(cells):
            placed = _place(_vectors_of(path, cells["cell_id"]), neighbours, places)
            parts.append(_points(cells.assign(set="cohort"), placed))
    return pd.concat(parts, ignore_index=True)[UMAP_SCHEMA.names]


def _stratum_cap(sizes: np.ndarray, limit: int) -> int:
    """The largest maximum per stratum that keeps the total within `limit`."""
    low, high = 0, int(sizes.max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(sizes, middle).sum() <= limit else (low, middle - 1)
    return low


def _reference(path: str | Path, max_points: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    cells = read_frame(path, ["cell_id", "label"]).assign(sample_id=None, patient_id=None)
    cells = _choose(cells, _stratum_cap(cells["label"].value_counts().to_numpy(), max_points), seed)
    return cells, _vectors_of(path, cells["cell_id"])


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
    """The chosen cells of each sample; a first pass over the labels finds how many of each stratum there may be."""
    sizes = [read_frame(path, ["label"]).value_counts().to_numpy() for path in paths]
    cap = _stratum_cap(np.concatenate([*sizes, np.zeros(0, int)]), max_points)
    for path in paths:
        yield _choose(read_frame(path, ["cell_id", "sample_id", "patient_id", "label", "is_ood"]), cap, seed)


def _choose(cells: pd.DataFrame, cap: int, seed: int) -> pd.DataFrame:
    """At most `cap` cells of each label, those of the lowest seeded hash of cell_id; sorted by cell_id."""
    key = f"{seed:016d}"[:16]
    hashes = pd.Series(pd.util.hash_array(cells["cell_id"].to_numpy(object), hash_key=key, categorize=False))
    rank = hashes.groupby(cells["label"].to_numpy(object)).rank(method="first")
    return cells[(rank <= cap).to_numpy()].sort_values("cell_id", ignore_index=True)


def _vectors_of(path: str | Path, cell_ids: pd.Series) -> np.ndarray:
    """The vectors of some cells, in their order; the file is read in batches."""
    wanted, rows, parts = pd.Index(cell_ids), [], []
    for batch in pq.ParquetFile(path).iter_batches(columns=["cell_id", "vector"]):
        row = wanted.get_indexer(batch["cell_id"].to_numpy(zero_copy_only=False))
        vector = batch["vector"].flatten().to_numpy().reshape(len(row), -1)
        rows.append(row[row >= 0])
        parts.append(vector[row >= 0])
    return np.concatenate(parts)[np.argsort(np.concatenate(rows))]


def _points(cells: pd.DataFrame, places: np.ndarray) -> pd.DataFrame:
    return cells.assign(x=places[:, 0], y=places[:, 1])
