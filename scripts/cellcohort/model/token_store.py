"""The token store: the reference's tokens in one Arrow file, written by shards and memory-mapped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

from ..core.files import atomic_path
from ..genes.alignment import Alignment
from ..inputs.counts import Counts
from ..inputs.value_kind import LOG_NORMALISED
from .tokens import N_BINS, Tokens, concatenate, per_10_000, tokenise

SHARD_CELLS = 8192
STORE = pa.schema(
    {
        "cell_id": pa.string(),
        "label": pa.string(),
        "donor": pa.string(),
        "split": pa.string(),
        "coarse": pa.string(),
        "genes": pa.list_(pa.uint16()),
        "bins": pa.list_(pa.uint8()),
        "levels": pa.list_(pa.float16()),
    }
)
"""Columns of a token file."""


def write_store(path: str | Path, shards: Iterable[tuple[Tokens, pd.DataFrame]]) -> None:
    """Write shards of tokens and their cells as one Arrow file, holding one shard at a time.

    Each shard comes with a DataFrame of its cells: cell_id, label, donor, split, coarse (donor and coarse null when
    unknown).
    """
    with atomic_path(path) as part, pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, STORE) as writer:
        for tokens, cells in shards:
            offsets = tokens.indptr.astype(np.int32)
            columns = [pa.array(cells[name], pa.string(), from_pandas=True) for name in STORE.names[:5]]
            lists = (tokens.genes, tokens.bins, tokens.levels)
            columns += [pa.ListArray.from_arrays(offsets, values) for values in lists]
            writer.write_batch(pa.record_batch(columns, schema=STORE))


def tokenise_reference(
    counts: Counts,
    rows: np.ndarray,
    labels: np.ndarray,
    donors: np.ndarray | None,
    splits: np.ndarray,
    coarse: np.ndarray | None,
    alignment: Alignment,
    *,
    n_bins: int = N_BINS,
    by_value: bool = False,
) -> Iterator[tuple[Tokens, pd.DataFrame]]:
    """Shards of the reference's cells `rows` with what is known of them (None: unknown), for write_store."""
    names = {"label": labels, "donor": donors, "split": splits, "coarse": coarse}
    cells = pd.DataFrame({"cell_id": counts.cell_ids[rows]} | names)
    start = 0
    for chunk_rows, matrix in counts.chunks(rows, SHARD_CELLS):
        tokens = tokenise_chunk(matrix, counts.kind, alignment, n_bins=n_bins, by_value=by_value)
        yield tokens, cells.iloc[start : start + len(chunk_rows)]
        start += len(chunk_rows)


def tokenise_chunk(
    matrix: sparse.csr_matrix, kind: str, alignment: Alignment, *, n_bins: int, by_value: bool
) -> Tokens:
    """Tokens of cells of a file, from their values on the linear scale (`Counts.chunks`), all genes of the file.

    Parameters
    ----------
    kind
        `Counts.kind` of the file: bins by value (`tokens.tokenise`) are of log-normalised values as they are, and of
        others per 10,000 of the cell.
    """
    if by_value and kind != LOG_NORMALISED:
        matrix = per_10_000(matrix)
    return tokenise(alignment.project(matrix), n_bins=n_bins, by_value=by_value)


def part_of_store(store: TokenStore, rows: np.ndarray) -> Iterator[tuple[Tokens, pd.DataFrame]]:
    """Shards of the cells `rows` (ascending) of a store, for write_store."""
    for start in range(0, len(rows), SHARD_CELLS):
        chosen = rows[start : start + SHARD_CELLS]
        yield store.read(chosen), store.cells.iloc[chosen]


class TokenStore:
    """A token file, memory-mapped: shards are read where they lie.

    Attributes
    ----------
    cells
        DataFrame with a row for each cell in the order of the file: cell_id, label, donor, split, coarse, n_tokens.
    shard_starts
        First cell of each shard, and the number of cells at the end.
    """

    def __init__(self, path: str | Path):
        self.path = str(path)
        frames = []
        with pa.memory_map(self.path) as source:
            reader = pa.ipc.open_file(source)
            for i in range(reader.num_record_batches):
                batch = reader.get_batch(i)
                frame = batch.select(["cell_id", "label", "donor", "split", "coarse"]).to_pandas()
                frames.append(frame.assign(n_tokens=np.diff(batch["genes"].offsets)))
        self.shard_starts = np.concatenate([[0], np.cumsum([len(frame) for frame in frames])]).astype(np.int64)
        self.cells = pd.concat(frames, ignore_index=True)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def labels(self) -> list[str]:
        """The reference types, in the order of the model's outputs."""
        return sorted(self.cells["label"].unique())

    @cached_property
    def codes(self) -> np.ndarray:
        """Label number of each cell."""
        return pd.Index(self.labels).get_indexer(self.cells["label"])

    def read(self, rows: np.ndarray) -> Tokens:
        """The tokens of `rows` (ascending), copied out of the file shard by shard."""
        parts = []
        with pa.memory_map(self.path) as source:
            reader = pa.ipc.open_file(source)
            shards = np.searchsorted(self.shard_starts, rows, side="right") - 1
            for shard in np.unique(shards):
                batch = reader.get_batch(int(shard))
                whole = Tokens(
                    batch["genes"].offsets.to_numpy().astype(np.int64),
                    batch["genes"].values.to_numpy(),
                    batch["bins"].values.to_numpy(),
                    batch["levels"].values.to_numpy(),
                )
                parts.append(whole.take(rows[shards == shard] - self.shard_starts[shard]))
        return concatenate(parts)
