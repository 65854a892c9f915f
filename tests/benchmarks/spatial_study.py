"""Spatial sections on references: labels, their calibration and OOD calls of panels as they were measured.

    python tests/benchmarks/spatial_study.py --data ../shared/data --out spatial_study.json

STARmap by section and halves of osmFISH have references of their own panel. A lung tumour by MERFISH is laid on blood
and on normal cells of ovarian tumours, for which the types that these have under another name are matched (`LUNG`): by
the model of the reference's variable genes as a sample gets it, fitted to those that the panel measures, and by one
whose vocabulary holds the panel's genes, too. Beside them logistic regression on all genes that both have. Macro-F1 and
calibration error (ECE) on known types, AUROC, recall and false alarms at alpha 0.05, and the share called by type.
Cells without a count in the genes are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad
import numpy as np
import pandas as pd
from label_study import log_normalised
from panel_study import make_bundle
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from species_label_study import measured_alone
from tasks import Task, make_task, read_cells, study_options

from cellcohort.bundle.fitted_genes import bundle_for_genes
from cellcohort.bundle.members import predict_members
from cellcohort.bundle.model_bundle import Bundle
from cellcohort.classifier.calibration_error import expected_calibration_error
from cellcohort.classifier.ensemble import probabilities
from cellcohort.model.tokens import scale_bins, tokenise
from cellcohort.ood.judgement import judge_in_memory

ALPHA = 0.05
SECTIONS = ("mpfc_BZ0", "mpfc_BZ1", "mpfc_BZ2")
LUNG = {
    "blood": {"B": "Lymphocyte", "NK": "Lymphocyte", "T_CD4": "Lymphocyte", "T_CD8": "Lymphocyte", "MNP": "Myeloid"},
    "ovary": {
        "B_cell": "Lymphocyte",
        "T_cell": "Lymphocyte",
        "Macrophage": "Myeloid",
        "Fibroblast": "Fibroblast",
        "Endothelial": "Vascular",
    },
}
FILES = {"blood": "pbmc4k_soupx", "ovary": "ovarian_qian2020"}
NEITHER = ("Plasma",)  # of the B lineage, which the references have, and yet unlike their B cells
TASKS = ("STARmap section to section", "osmFISH halves", *(f"{name} to lung MERFISH" for name in LUNG))
FIGURES = ["n_genes", "macro_f1", "ece", "AUROC", "recall", "false alarms"]


def main() -> None:
    options = study_options(__doc__, tasks={"nargs": "+", "default": TASKS})
    rows: list[dict] = []
    for name in options.tasks:
        for seed in options.seeds:
            with TemporaryDirectory() as folder:
                found = list(study(options.data, name, seed, Path(folder)))
            rows += [{"task": name, "seed": seed} | row for row in found]
            options.out.write_text(json.dumps(rows, indent=1) + "\n")
        own = pd.DataFrame(rows).query("task == @name")
        present = [figure for figure in FIGURES if figure in own]
        print(own.groupby(["task", "method"], sort=False)[present].mean().round(3).to_string(), flush=True)


def study(data: Path, name: str, seed: int, folder: Path) -> Iterator[dict]:
    """All methods on a task."""
    reference, query, names = cells_of(data, name, seed)
    make = partial(make_task, name, reference, query, "", seed=seed)
    tasks = {"ours": make()}
    if names:
        shared = tuple(gene for gene in query.var_names if gene in set(reference.var_names))
        tasks["vocabulary with the panel"] = make(extra_genes=shared)
    known = set(names.values()) if names else set(reference.obs["type"])
    for method, task in tasks.items():
        given = with_counts(replace(task, unknown=~np.isin(task.truth, [*known, *NEITHER])))
        bundle = make_bundle(given, seed, folder / method)
        fitted = bundle_for_genes(bundle, np.flatnonzero(given.measured), folder / "fitted")
        yield figures(given, method, np.array(bundle.labels, object), *predict(fitted, given), names)
    yield figures(given, "logistic regression", *regression(measured_alone(given)), None, names)


def with_counts(task: Task) -> Task:
    """The task without the query's cells that have no count in the vocabulary."""
    cells = task.query.getnnz(1) > 0
    return replace(task, query=task.query[cells], truth=task.truth[cells], unknown=task.unknown[cells])


def predict(bundle: Bundle, task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of the labels (n, L), OOD scores and p-values of the query."""
    tokens = tokenise(task.query)
    logits = predict_members(bundle.model, bundle.profiles, tokens)
    bins = scale_bins(tokens, task.query.shape[1], bundle.model.config.n_bins)
    compared, ids = bundle.profiles.compare(bins), np.arange(len(tokens)).astype(str)
    judged = judge_in_memory(bundle.profiles, bundle.detector, bundle.labels, compared, bins, ids)
    scores = bundle.detector.score(compared.ood_components)
    return probabilities(logits, bundle.ensemble_weights), scores, judged.pvalues


def regression(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, their probabilities, and how unsure each cell is, of the peer on the task's genes."""
    model = LogisticRegression(max_iter=500).fit(log_normalised(task.reference), task.labels.astype(str))
    chances = model.predict_proba(log_normalised(task.query))
    return model.classes_, chances, -chances.max(1)


def figures(
    task: Task,
    method: str,
    labels: np.ndarray,
    chances: np.ndarray,
    strangeness: np.ndarray,
    pvalues: np.ndarray | None,
    names: dict[str, str] | None,
) -> dict:
    """A row; `names` gives the labels the words of the truth."""
    words = np.array([(names or {}).get(label, label) for label in labels], object)
    shown = np.unique(words)
    summed = np.column_stack([chances[:, words == word].sum(1) for word in shown])
    given, known = shown[summed.argmax(1)], ~task.unknown & ~np.isin(task.truth, NEITHER)
    truth = task.truth[known]
    row = {"method": method, "n_genes": int(task.measured.sum()), "n_cells": len(task.truth)}
    row["macro_f1"] = f1_score(truth, given[known], average="macro", labels=np.unique(truth), zero_division=0)
    row["ece"] = float(expected_calibration_error(summed[known].max(1), given[known] == truth))
    if task.unknown.any():
        judged = known | task.unknown
        row["AUROC"] = float(roc_auc_score(task.unknown[judged], strangeness[judged]))
    if pvalues is not None:
        called = pvalues <= ALPHA
        row["false alarms"] = float(called[known].mean())
        row["recall"] = float(called[task.unknown].mean()) if task.unknown.any() else None
        row["called by type"] = {kind: float(called[task.truth == kind].mean()) for kind in np.unique(task.truth)}
    return row


def cells_of(data: Path, name: str, seed: int) -> tuple[ad.AnnData, ad.AnnData, dict[str, str] | None]:
    """Reference, query, and the query's words for the reference's types (None where they are the same)."""
    if name == "STARmap section to section":
        cells = read_cells(data / "starmap_mouse_mpfc_wang2018.h5ad")
        cells = cells[cells.obs["type"] != "unassigned"]
        other = (cells.obs["donor"] == SECTIONS[seed % len(SECTIONS)]).to_numpy()
        return cells[~other], cells[other], None
    if name == "osmFISH halves":
        cells = read_cells(data / "osmfish_mouse_cortex_codeluppi2018.h5ad")
        first = np.random.default_rng(seed).random(cells.n_obs) < 0.5
        return cells[first], cells[~first], None
    kind = name.split(" to ")[0]
    reference = read_cells(data / f"{FILES[kind]}.h5ad")
    reference = reference[reference.obs["type"].isin(LUNG[kind])]
    return reference, read_cells(data / "merfish_lung_cancer_chen2024.h5ad"), LUNG[kind]


if __name__ == "__main__":
    main()
