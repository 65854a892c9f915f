"""Labels by small references: the whole ensemble and the workspace alone against linear peers.

    python tests/benchmarks/small_reference_study.py --data ../shared/data --out small_reference_study.json

Ovarian P11 and P12 thinned to 100 cells a label (query: P13 and P14) and the other way round; sorted blood thinned to
60 cells a sorted type (query: another study), with the coarse types as labels and with the sorted types, whose answers
count as their coarse types; pancreas with its types of at least 20 cells (one donor, cells split at random, as no other
is at hand). Each seed draws its own cells. Genes, training, calibration and peers are those of `label_study`.
Differences are of the same task and seed, with a bootstrap interval of their mean.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch
from label_study import ours, peers, table
from tasks import COARSE, Task, make_task, read_cells, split_cells, study_options

OVARIAN_CELLS, SORTED_CELLS, PANCREAS_CELLS = 100, 60, 20
SORTED = "zheng to pbmc4k, sorted types"
TASKS = ("ovarian", "ovarian back", "zheng to pbmc4k", SORTED, "pancreas")
PEERS = ("logistic regression", "linear SVM", "CellTypist")
WHOLE, WORKSPACE = "additive", "additive: network alone"
RIVALS = {WHOLE: (*PEERS, WORKSPACE, "additive: linear alone"), WORKSPACE: PEERS}


def main() -> None:
    options = study_options(
        __doc__,
        tasks={"nargs": "+", "default": TASKS, "choices": TASKS},
        epochs={"type": int, "default": 30},
    )
    torch.set_num_threads(1)
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    done = {(row["task"], row["seed"]) for row in rows}
    for seed in options.seeds:
        for name in options.tasks:
            if (name, seed) not in done:
                found = small_rows(options.data, name, seed, options.epochs)
                rows += [{"task": name, "seed": seed} | row for row in found]
                options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
        print(table(rows), differences(rows), sep="\n\n", flush=True)


def small_rows(data: Path, name: str, seed: int, epochs: int) -> list[dict]:
    """Figures of all methods on a task."""
    task = small_task(data, name, seed)
    names = COARSE if name == SORTED else None
    sizes = {"n_cells": len(task.labels), "n_labels": len(np.unique(task.labels.astype(str)))}
    return [sizes | row for row in peers(task, names) + ours(task, "additive", seed, epochs, names)]


def small_task(data: Path, name: str, seed: int) -> Task:
    """A task with a small reference, on the reference's own genes."""
    reference, query = split_cells(data, name.partition(",")[0], seed)
    rng = np.random.default_rng(seed)
    if name.startswith("zheng"):
        kinds = read_cells(data / "pbmc_zheng2017_sorted.h5ad").obs["type"]
        reference = thin(reference, kinds, SORTED_CELLS, rng)
        if name == SORTED:
            reference.obs["type"] = kinds[reference.obs_names]
    elif name.startswith("ovarian"):
        reference = thin(reference, reference.obs["type"], OVARIAN_CELLS, rng)
    else:
        sizes = reference.obs["type"].map(reference.obs["type"].value_counts()).to_numpy(int)
        reference = reference[sizes >= PANCREAS_CELLS].copy()
    task = make_task(name, reference, query, "Epithelial", seed=seed, share=1)
    return replace(task, unknown=np.zeros(len(task.truth), bool)) if name == SORTED else task


def thin(cells: ad.AnnData, kinds: pd.Series, limit: int, rng: np.random.Generator) -> ad.AnnData:
    """At most `limit` cells of each kind, drawn at random."""
    order = cells.obs_names[rng.permutation(cells.n_obs)]
    kept = kinds[order].groupby(kinds[order], sort=False).head(limit).index
    return cells[cells.obs_names.isin(kept)].copy()


def differences(rows: list[dict], n_draws: int = 2000) -> str:
    """Mean difference in macro-F1 to each rival over tasks and seeds, its 95 % interval, and that of the worst task."""
    f1 = pd.DataFrame(rows).pivot_table(index=["task", "seed"], columns="method", values="macro_f1")
    found = {}
    for method, rivals in RIVALS.items():
        for rival in rivals:
            values = f1[method] - f1[rival]
            drawn = np.random.default_rng(0).choice(values.to_numpy(), (n_draws, len(values))).mean(1)
            low, high = np.quantile(drawn, [0.025, 0.975])
            worst = values.groupby("task").mean().min()
            found[method, rival] = {"mean": values.mean(), "low": low, "high": high, "worst task": worst}
    return pd.DataFrame(found).T.round(3).to_string()


if __name__ == "__main__":
    main()
