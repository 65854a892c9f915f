"""Training batches: shuffled, thinned by token dropout and bucketed by length, read from the token store by pools."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from .token_store import TokenStore
from .tokens import Tokens

POOL_CELLS = 65_536  # cells in memory that are shuffled among each other
BUCKET_BATCHES = 32  # batches among whose cells lengths are sorted
MAX_TOKEN_DROPOUT = 0.8  # a cell loses its tokens at a rate drawn from 0 to this
Item = TypeVar("Item")


def training_batches(
    store: TokenStore, rows: np.ndarray, batch_size: int, seed: tuple[int, int]
) -> Iterator[tuple[np.ndarray, Tokens]]:
    """One epoch over `rows` (ascending) of the store.

    Shards come in random order and are pooled until `POOL_CELLS` cells are in memory; within a pool cells are
    shuffled, thinned by token dropout, and batched with cells of similar length.

    Yields
    ------
    Rows of the store, shape (n,), and the tokens of those cells, n at most `batch_size`.
    """
    rng = np.random.default_rng(seed)
    shard_of = np.searchsorted(store.shard_starts, rows, side="right") - 1
    shards = [rows[shard_of == shard] for shard in rng.permutation(np.unique(shard_of))]
    for pool in _pools(shards):
        tokens = drop_tokens(store.read(pool), rng)
        for batch in _bucketed(tokens.lengths, batch_size, rng):
            yield pool[batch], tokens.take(batch)


def _pools(shards: list[np.ndarray]) -> Iterator[np.ndarray]:
    pool: list[np.ndarray] = []
    for shard in shards:
        if pool and sum(map(len, pool)) + len(shard) > POOL_CELLS:
            yield np.sort(np.concatenate(pool))
            pool = []
        pool.append(shard)
    yield np.sort(np.concatenate(pool))


def drop_tokens(tokens: Tokens, rng: np.random.Generator) -> Tokens:
    """Drop each cell's tokens at a rate of its own, uniform from 0 to `MAX_TOKEN_DROPOUT`: cells of every depth."""
    rate = np.repeat(rng.uniform(0, MAX_TOKEN_DROPOUT, len(tokens)), tokens.lengths)
    return tokens.drop(rng.random(len(rate)) >= rate)


def _bucketed(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    order = rng.permutation(len(lengths))
    bucket = batch_size * BUCKET_BATCHES
    for start in range(0, len(order), bucket):
        cells = order[start : start + bucket]
        cells = cells[np.argsort(lengths[cells], kind="stable")]
        batches = [cells[i : i + batch_size] for i in range(0, len(cells), batch_size)]
        for i in rng.permutation(len(batches)):
            yield batches[i]


def prefetch(items: Iterable[Item], depth: int = 4) -> Iterator[Item]:
    """The same items, of which up to `depth` are made in a background thread before they are asked for."""
    iterator = iter(items)
    end: Any = object()
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, iterator, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(thread.submit(next, iterator, end))
            yield item
