"""Stability of the additive workspace's slots: what slots of no structure reach, and what it says about other cells.

    python tests/benchmarks/stability_study.py --data ../shared/data --out stability_study.json

Slots are groups of genes. Their stability in a reference's training cells is the share of refits to random halves in
which they return. `structureless`: the same of cells in which each gene's bins are dealt out anew. `elsewhere`: overlap
(Jaccard index) with the most similar group of the query's cells (other donors, another study, or held-out cells), and
the share of slots that return there, by stability.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from scipy import sparse
from tasks import LABEL_TASKS, load_task, study_options

from cellcohort.model.additive import AdditiveConfig
from cellcohort.model.slot_stability import MAX_CELLS, SAME, group_genes, overlap, stability_of_groups
from cellcohort.model.tokens import scale_bins, tokenise
from cellcohort.reference.splits import spread_sample


def main() -> None:
    options = study_options(__doc__, tasks={"nargs": "+", "default": LABEL_TASKS})
    rows = []
    for name in options.tasks:
        for seed in options.seeds:
            rows += study(options.data, name, seed)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")
    table = pd.DataFrame(rows)
    print(table.groupby("task")[["structureless", "overlap_of_structureless"]].max())
    table["stability"] = pd.cut(table["stability"], [0, 0.5, 0.75, 1.01], right=False)
    found = table.groupby("stability", observed=True)["elsewhere"]
    print(found.agg(slots="size", overlap="mean", returned=lambda x: (x > SAME).mean()))


def study(data, name: str, seed: int) -> list[dict]:
    """A row for each slot of the task's reference."""
    task = load_task(data, name, seed=seed)
    cells = task.cells(seed)
    training = np.flatnonzero(cells["split"] == "train")
    training = training[spread_sample(cells.iloc[training], limit=MAX_CELLS, seed=seed)]
    sizes = AdditiveConfig(task.reference.shape[1], 2)
    bins, query = (scale_bins(tokenise(x), sizes.n_genes, sizes.n_bins) for x in (task.reference[training], task.query))
    nothing = dealt_anew(bins, seed)
    half = np.random.default_rng(seed).permutation(len(training))[: len(training) // 2]
    groups, of_query, of_nothing, of_half = (
        group_genes(found, n_axes=sizes.d_slot, n_groups=sizes.n_slots)
        for found in (bins, query, nothing, nothing[np.sort(half)])
    )
    columns = {
        "stability": stability_of_groups(groups, bins, sizes, seed=seed),
        "structureless": stability_of_groups(of_nothing, nothing, sizes, seed=seed),
        "overlap_of_structureless": overlap(of_nothing, of_half, sizes.n_slots),
        "elsewhere": overlap(groups, of_query, sizes.n_slots),
    }
    return pd.DataFrame(columns).assign(task=name, seed=seed, slot=range(sizes.n_slots)).to_dict("records")


def dealt_anew(bins: sparse.csr_matrix, seed: int) -> sparse.csr_matrix:
    """The cells with each gene's bins in random order."""
    rng, columns = np.random.default_rng(seed), bins.tocsc()
    rows = [
        rng.choice(bins.shape[0], end - start, replace=False)
        for start, end in zip(columns.indptr[:-1], columns.indptr[1:], strict=True)
    ]
    return sparse.csc_matrix((columns.data, np.concatenate(rows), columns.indptr), bins.shape).tocsr()


if __name__ == "__main__":
    main()
