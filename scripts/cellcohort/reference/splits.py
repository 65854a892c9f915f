"""Split the reference into training and held-out cells, by donor where donors are known."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

log = logging.getLogger(__name__)
VALIDATION_SHARE = 0.2


def assign_splits(cell_ids: np.ndarray, labels: np.ndarray, donors: np.ndarray | None, *, seed: int) -> np.ndarray:
    """`train` or `validation` for each of n reference cells.

    With two donors or more, whole donors are held out, about a fifth of the cells; cells of a label that the other
    donors lack stay in training. Without donors, or where held-out donors would judge less than half of the labels
    (cells sorted by type, say) or only one cell is theirs, a fifth of each label's cells is held out instead, none of a
    label of one cell.

    Parameters
    ----------
    cell_ids, labels, donors
        Arrays of str, shape (n,); `donors` is None when they are unknown, "" where one is.
    """
    if donors is not None and len(np.unique(donors)) > 1:
        held_out = np.isin(donors, held_out_donors(donors, seed=seed))
        held_out &= np.isin(labels, np.unique(labels[~held_out]))
        if held_out.sum() > 1 and 2 * len(np.unique(labels[held_out])) >= len(np.unique(labels)):
            return np.where(held_out, "validation", "train").astype(object)
        log.warning(
            "the held-out donors share too few labels or cells with the others: cells are held out regardless of donor"
        )
    return np.where(_stratified(cell_ids, labels, seed), "validation", "train").astype(object)


def held_out_donors(donors: np.ndarray, *, seed: int) -> list[str]:
    """Donors, in random order, while they bring the share of cells nearer to `VALIDATION_SHARE`; at least one."""
    names, counts = np.unique(donors, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    if len(names) == 2:
        return [names[counts.argmin()]]
    chosen, share = [], 0.0
    for i in order:
        added = counts[i] / len(donors)
        if abs(share + added - VALIDATION_SHARE) < abs(share - VALIDATION_SHARE):
            chosen.append(names[i])
            share += added
    return chosen or [names[counts.argmin()]]


def n_donors(donors: pd.Series) -> int:
    """How many donors the cells are of; unknown ones are none."""
    return int(donors.replace("", None).nunique())


def by_donor(cells: pd.DataFrame) -> bool:
    """Whether the cells (columns donor, label and split) were split by donor.

    A split by donor never divides a donor's cells of one label; it may keep a label in training that only one has.
    """
    if cells["donor"].isna().any() or cells["split"].nunique() < 2:
        return False
    return bool(cells.groupby(["donor", "label"])["split"].nunique().max() == 1)


def in_random_order(cell_ids: np.ndarray, *, seed: int) -> np.ndarray:
    """Positions of the cells in a random order that does not depend on the order in which they come."""
    return np.random.default_rng(seed).permutation(np.argsort(cell_ids, kind="stable"))


def sample_by_id(cell_ids: np.ndarray, *, limit: int) -> np.ndarray:
    """Positions of the cells sorted by id: of all, or of a random `limit` of them, always the same."""
    chosen = in_random_order(cell_ids, seed=0)[:limit]
    return chosen[np.argsort(cell_ids[chosen], kind="stable")]


def _stratified(cell_ids: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), bool)
    by_id = np.argsort(cell_ids, kind="stable")
    for label in np.unique(labels):
        rows = rng.permutation(by_id[labels[by_id] == label])
        held_out[rows[: int(np.ceil(VALIDATION_SHARE * len(rows)))] if len(rows) > 1 else []] = True
    return held_out


def spread_sample(cells: pd.DataFrame, *, limit: int, seed: int) -> np.ndarray:
    """Ascending positions of at most `limit` cells, equally many of each label as far as there are.

    `cells` has the columns cell_id and label; the choice does not depend on their order.
    """
    if len(cells) <= limit:
        return np.arange(len(cells))
    shuffled = cells[["cell_id", "label"]].reset_index(drop=True).sort_values("cell_id")
    shuffled = shuffled.sample(frac=1, random_state=seed)
    rank = shuffled.groupby("label").cumcount()
    return np.sort(rank.sort_values(kind="stable").index[:limit].to_numpy())
