"""Stratified sampling of cells by a seeded hash of their ids: the choice depends on no order, chunk or thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq


def hashes(cell_ids: pd.Series, seed: int) -> np.ndarray:
    """A seeded hash of each cell_id (uint64); the cells of the lowest ones are a random choice."""
    return pd.util.hash_array(cell_ids.to_numpy(object), hash_key=f"{seed:016d}"[:16], categorize=False)


def stratum_cap(sizes: np.ndarray, limit: int) -> int:
    """The largest maximum per stratum that keeps the total within `limit`."""
    low, high = 0, int(sizes.max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(sizes, middle).sum() <= limit else (low, middle - 1)
    return low


def choose(cells: pd.DataFrame, cap: int, seed: int) -> pd.DataFrame:
    """At most `cap` cells of each label, those of the lowest hash; sorted by cell_id."""
    rank = pd.Series(hashes(cells["cell_id"], seed)).groupby(cells["label"].to_numpy(object)).rank(method="first")
    return cells[(rank <= cap).to_numpy()].sort_values("cell_id", ignore_index=True)


def choose_of_samples(
    read: Callable[[str | Path], pd.DataFrame], paths: Sequence[str | Path], limit: int, seed: int
) -> Iterator[pd.DataFrame]:
    """The chosen cells of each sample, about `limit` in all, one sample in memory at a time.

    No label of a sample has more than the same maximum, so that rare ones stay whole; where even one cell each is too
    many, some labels of some samples have none. `read` gives cell_id, sample_id, label and what else is wanted.
    """
    sizes = np.concatenate([*(read(path)["label"].value_counts().to_numpy() for path in paths), np.zeros(0, int)])
    cap, share = stratum_cap(sizes, limit), limit / max(len(sizes), 1)
    for path in paths:
        cells = choose(read(path), max(cap, 1), seed)
        if cap == 0 and len(cells):
            cells = cells[hashes(cells["sample_id"] + "|" + cells["label"], seed) < share * 2.0**64]
        yield cells


def vectors_of(path: str | Path, cell_ids: pd.Series) -> np.ndarray:
    """The vectors of some cells, in their order; the file is read in batches."""
    wanted, rows, parts = pd.Index(cell_ids), [], []
    for batch in pq.ParquetFile(path).iter_batches(columns=["cell_id", "vector"]):
        row = wanted.get_indexer(batch["cell_id"].to_numpy(zero_copy_only=False))
        vector = batch["vector"].flatten().to_numpy().reshape(len(row), -1)
        rows.append(row[row >= 0])
        parts.append(vector[row >= 0])
    return np.concatenate(parts)[np.argsort(np.concatenate(rows))]
