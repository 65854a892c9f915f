"""Samples that measure some of the model's genes alone: what a missing gene costs, and what a fit to the others saves.

    python tests/benchmarks/panel_study.py --data ../shared/data --out panel_study.json

Genes are taken from the query at random, or all but the most variable ones of the reference (a panel). Macro-F1 and
calibration error on the known types, AUROC, recall and false alarms of OOD cells, of the model of all genes: as it is
(`silent`: a missing gene counts as not expressed), with the missing genes left out of the types' profiles (`left out`),
fitted to the measured genes (`fitted`, what a sample gets). Against a model that was trained on the measured genes
alone (`trained anew`), and logistic regression on these.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import pandas as pd
from label_study import log_normalised, score
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tasks import Task, load_task, study_options, train_task

from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.fitted_genes import bundle_for_genes
from cellcohort.bundle.members import predict_members
from cellcohort.bundle.model_bundle import Bundle, save_model
from cellcohort.classifier.ensemble import probabilities
from cellcohort.model.presets import PRESETS
from cellcohort.model.tokens import scale_bins, tokenise
from cellcohort.ood.judgement import judge_in_memory

TASKS = ("zheng to pbmc4k:NK", "pbmc4k to zheng:B", "ovarian:Epithelial", "pancreas:ductal")
LEFT = (0.97, 0.9, 0.7, 0.5, 0.2, 0.05)
PANELS = (500, 300, 155, 33)
EPOCHS = 30


def main() -> None:
    options = study_options(__doc__, tasks={"nargs": "+", "default": TASKS})
    rows: list[dict] = []
    for seed in options.seeds:
        for name in options.tasks:
            task = load_task(options.data, name, seed=seed)
            with TemporaryDirectory() as folder:
                rows += study(task, seed, Path(folder))
            options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
            print(table(rows), flush=True)


def table(rows: list[dict]) -> str:
    """Means over tasks and seeds, by genes and method."""
    frame = pd.DataFrame(rows).drop(columns=["task", "seed", "accuracy", "seconds"])
    return frame.groupby(["genes", "method"], sort=False).mean().round(3).to_string()


def study(task: Task, seed: int, folder: Path) -> list[dict]:
    """All sets of genes of one task."""
    whole = make_bundle(task, seed, folder / "whole")
    rows = [{"genes": "all", **judge(task, "silent", whole)}]
    for genes, measured in gene_sets(task, seed).items():
        keep = np.zeros(len(task.symbols), np.float32)
        keep[measured] = 1
        fewer = replace(task, query=task.query.multiply(keep).tocsr())
        anew = replace(task, **{name: getattr(task, name)[:, measured] for name in ("reference", "query")})
        with mock.patch("cellcohort.bundle.fitted_genes.ENOUGH", 1):
            fitted = bundle_for_genes(whole, measured, folder / "fitted")
        found = [judge(fewer, "silent", whole), judge(fewer, "left out", Bundle(whole.folder, measured))]
        found += [judge(fewer, "fitted", fitted), judge(anew, "trained anew", make_bundle(anew, seed, folder / genes))]
        rows += [{"genes": genes, **row} for row in [*found, logistic_regression(anew)]]
    return [{"task": task.name, "seed": seed, **row} for row in rows]


def gene_sets(task: Task, seed: int) -> dict[str, np.ndarray]:
    """Measured genes (ascending) by what they are called."""
    order = np.random.default_rng(seed).permutation(len(task.symbols))
    sets = {f"{share:.0%} left": np.sort(order[: round(share * len(order))]) for share in LEFT}
    mean = task.reference.mean(0).A1
    dispersion = (task.reference.multiply(task.reference).mean(0).A1 - mean**2) / np.maximum(mean, 1e-9)
    variable = np.argsort(-dispersion, kind="stable")
    return sets | {f"panel of {n}": np.sort(variable[:n]) for n in PANELS}


def make_bundle(task: Task, seed: int, folder: Path) -> Bundle:
    """The task's reference as a trained and calibrated model."""
    folder.mkdir()
    trained, store = train_task(task, PRESETS["additive"], epochs=EPOCHS, seed=seed, folder=str(folder))
    save_model(trained.model, weights=folder / "weights.safetensors", config=folder / "config.json", settings={})
    calibrate(trained.model, store, trained.linear_models, seed=seed).write_into(folder)
    bundle = Bundle(folder)
    bundle.__dict__["sha256"] = folder.name  # it has no manifest
    return bundle


def judge(task: Task, method: str, bundle: Bundle) -> dict:
    """Labels and OOD calls of the query by a bundle."""
    tokens, names = tokenise(task.query), np.array(bundle.labels, object)
    logits = predict_members(bundle.model, bundle.profiles, tokens)
    probability = probabilities(logits, bundle.ensemble_weights)
    row = score(task, method, names[probability.argmax(1)], probability.max(1))
    bins = scale_bins(tokens, task.query.shape[1], bundle.model.config.n_bins)
    compared = bundle.profiles.compare(bins)
    ids = np.array([f"cell{i:06d}" for i in range(len(tokens))], object)
    judged = judge_in_memory(bundle.profiles, bundle.detector, bundle.labels, compared, bins, ids)
    called = judged.pvalues <= 0.05
    scores = bundle.detector.score(compared.ood_components)
    row |= {"auroc": roc_auc_score(task.unknown, scores), "recall": called[task.unknown].mean()}
    return row | {"false_alarms": called[~task.unknown].mean()}


def logistic_regression(task: Task) -> dict:
    """The peer on the same genes, log-normalised."""
    model = LogisticRegression(max_iter=500).fit(log_normalised(task.reference), task.labels.astype(str))
    probability = model.predict_proba(log_normalised(task.query))
    return score(task, "logistic regression", model.classes_[probability.argmax(1)], probability.max(1))


if __name__ == "__main__":
    main()
