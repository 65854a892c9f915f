"""Labels and OOD calls where the sample is of another species than the reference.

    python tests/benchmarks/species_label_study.py --data ../shared/data --out species_label_study.json

Blood of two human studies (pbmc4k, zheng) and immune cells of two mouse studies (tabula, zilionis), each as reference
of each; one species to itself is what the other is held to. Types by common names (`NAMES`); a type that the reference
lacks is unknown. Macro-F1 on the query's known types by the additive workspace, by the members of its ensemble alone
and by logistic regression (`label_study`), all of the genes that the query has; AUROC of the OOD score where a type is
unknown, recall and false alarms at alpha 0.05, the technical shift and how much of its contrast each label keeps.
`--left-out` leaves each shared type out of the reference in turn and prints the contrasts alone: of labels that known
cells have, and that unknown cells have, the query as it is and its unknown cells alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from label_study import ours, peers
from ood_study import ALPHA, Fitted, fit
from scipy import sparse
from sklearn.metrics import roc_auc_score
from tasks import Task, make_task, read_cells, study_options

from cellcohort.ood.judgement import judge_in_memory

NAMES = {
    "T": ("T_CD4", "T_CD8", "thelper", "memoryt", "naivet", "regulatoryt", "cytotoxict", "naivecytotoxic"),
    "B": ("B", "bcells", "B cell", "B cells"),
    "NK": ("NK", "nk", "NK cell", "NK cells"),
    "monocyte": ("MNP", "monocytes", "Monocyte"),
    "neutrophil": ("Granulocyte", "Neutrophils"),
}
COMMON = {own: name for name, others in NAMES.items() for own in others} | {"T cell": "T", "T cells": "T"}
STUDIES = {
    "pbmc4k": ("pbmc4k_soupx", "human"),
    "zheng": ("pbmc_zheng2017_sorted", "human"),
    "tabula": ("mouse_immune_tabula_muris", "mouse"),
    "zilionis": ("mouse_lung_immune_zilionis2019", "mouse"),
}
FIGURES = ["macro_f1", "accuracy", "ece", "AUROC", "recall", "false alarms", "shift", "n_anchors"]
CLEAR = 0.7  # share of a label's cells that are known, or unknown, from which the label is


def main() -> None:
    options = study_options(
        __doc__,
        tasks={"nargs": "+", "default": [f"{a} to {b}" for a, b in permutations(STUDIES, 2)]},
        epochs={"type": int, "default": 30},
        **{"left-out": {"action": "store_true"}},
    )
    torch.set_num_threads(1)
    rows: list[dict] = []
    for name in options.tasks:
        for seed in options.seeds:
            found = contrasts(options.data, name, seed) if options.left_out else methods(options, name, seed)
            rows += [{"task": name, "kind": kind_of(name), "seed": seed} | row for row in found]
            options.out.write_text(json.dumps(rows, indent=1) + "\n")
        if not options.left_out:
            print(table(pd.DataFrame(rows).query("task == @name"), "task"), flush=True)
    print(kept(pd.DataFrame(rows)) if options.left_out else table(pd.DataFrame(rows), "kind"))


def table(rows: pd.DataFrame, by: str) -> str:
    """Means by task or kind, and method."""
    present = [name for name in FIGURES if name in rows]
    return rows.groupby([by, "method"], sort=False)[present].mean(numeric_only=True).round(3).to_string()


def kept(rows: pd.DataFrame) -> str:
    """How much of their contrast labels keep that are clearly of known and of unknown cells."""
    cells = np.select([rows["right"] >= CLEAR, rows["unknown"] >= CLEAR], ["known", "unknown"], "mixed")
    quantiles = rows.groupby(["kind", cells])["contrast"].describe(percentiles=[0.05, 0.25, 0.5, 0.75, 0.95])
    return quantiles.round(2).to_string()


def kind_of(name: str) -> str:
    """Species of the reference and the query."""
    return " to ".join(STUDIES[study][1] for study in name.split(" to "))


def species_task(data: Path, name: str, seed: int, left_out: str = "") -> Task:
    """The task `reference to query`, of types with common names and genes that the query has alone."""
    studies = [STUDIES[study] for study in name.split(" to ")]
    cells = [read_cells(data / f"{file}.h5ad", COMMON) for file, _ in studies]
    cells = [part[part.obs["type"].isin(NAMES)] for part in cells]
    return measured_alone(make_task(name, *cells, left_out, seed=seed, species=(studies[0][1], studies[1][1])))


def measured_alone(task: Task) -> Task:
    """The task without the genes that the query does not measure, and without cells that have none of the others."""
    reference, query = (x[:, task.measured] for x in (task.reference, task.query))
    ours, theirs = reference.getnnz(1) > 0, query.getnnz(1) > 0
    given = {"labels": task.labels[ours], "ids": task.ids[ours], "symbols": task.symbols[task.measured]}
    given |= {"donors": None if task.donors is None else task.donors[ours], "measured": task.measured[task.measured]}
    given |= {"truth": task.truth[theirs], "unknown": task.unknown[theirs]}
    return replace(task, reference=reference[ours], query=query[theirs], **given)


def methods(options, name: str, seed: int) -> list[dict]:
    """Figures of the library, of its members and of the peer."""
    task = species_task(options.data, name, seed)
    whole, *members = ours(task, "additive", seed, options.epochs)
    n_genes = {"n_genes": len(task.symbols)}
    return [whole | judged(task, seed) | n_genes, *members, peers(task)[0]]


def judged(task: Task, seed: int) -> dict:
    """The OOD score, its calls, and the technical shift."""
    fitted, query = fit(task, seed)
    compared, ids = fitted.profiles.compare(query), np.arange(query.shape[0]).astype(str)
    found = judge_in_memory(fitted.profiles, fitted.detector, list(fitted.names), compared, query, ids)
    called, scores = found.pvalues <= ALPHA, fitted.detector.score(compared.ood_components)
    row = {"false alarms": float(called[~task.unknown].mean())}
    row |= {"shift": found.shift.shift, "n_anchors": found.shift.n_anchors, "labels": found.shift.labels}
    if task.unknown.any():
        row["AUROC"] = float(roc_auc_score(task.unknown, scores))
        row["recall"] = float(called[task.unknown].mean())
    return row


def contrasts(data: Path, name: str, seed: int) -> Iterator[dict]:
    """The contrast that each label keeps, with each shared type left out of the reference in turn, and none."""
    shared = species_task(data, name, seed)
    known = np.unique(shared.truth[~shared.unknown])
    for left_out in ("", *known) if len(np.unique(shared.labels)) > 2 else ("",):
        task = species_task(data, name, seed, left_out)
        fitted, query = fit(task, seed)
        for part, cells in (("all", np.ones(len(task.truth), bool)), ("unknown cells alone", task.unknown)):
            if cells.any():
                rows = labels_of(fitted, query[cells], task.truth[cells], task.unknown[cells])
                yield from ({"left out": left_out, "part": part} | row for row in rows)


def labels_of(fitted: Fitted, query: sparse.csr_matrix, truth: np.ndarray, unknown: np.ndarray) -> list[dict]:
    """For each label that was asked: its cells, shares of right and of unknown ones, contrast and shift."""
    compared, ids = fitted.profiles.compare(query), np.arange(query.shape[0]).astype(str)
    found = judge_in_memory(fitted.profiles, fitted.detector, list(fitted.names), compared, query, ids).shift.labels
    rows = []
    for label, each in found.items():
        own = fitted.names[compared.types] == label
        shares = {"right": float((truth[own] == label).mean()), "unknown": float(unknown[own].mean())}
        rows.append({"label": label, "n_cells": int(own.sum())} | shares | each)
    return rows


if __name__ == "__main__":
    main()
