"""Labels on donors and studies that the model has not seen: ours against linear peers, and what the workspace adds.

    python tests/benchmarks/label_study.py --data ../shared/data --out label_study.json --variants small

Macro-F1, accuracy and calibration error on the query's known types, for each task of `tasks.LABEL_TASKS` and seed. The
model is trained as the workflow trains it: genes, split, early stopping and mix from the reference alone. Its readings
are also judged alone. Peers (logistic regression; linear SVM; CellTypist's model, which is one-vs-rest logistic
regression on scaled genes) get the same genes, log-normalised. Results are added to the file; a run that it already
holds is not repeated.
"""

from __future__ import annotations

import json
import time
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from tasks import LABEL_TASKS, Task, load_task, study_options, train_task

from cellcohort.calibration import READINGS, probabilities
from cellcohort.evaluation import expected_calibration_error
from cellcohort.judgement import calibrate, read_cells
from cellcohort.model import PRESETS
from cellcohort.tokens import tokenise

VARIANTS = {
    "small": PRESETS["small"],
    "small, broadcast to cells": PRESETS["small"] | {"broadcast": "cells"},
    "small, 1 slot": PRESETS["small"] | {"n_slots": 1},
    "small, 32 slots": PRESETS["small"] | {"n_slots": 32},
    "paper": PRESETS["paper"],
}


def main() -> None:
    options = study_options(
        __doc__,
        tasks={"nargs": "+", "default": LABEL_TASKS},
        variants={"nargs": "+", "default": ["small"], "choices": VARIANTS},
        epochs={"type": int, "default": 30},
        threads={"type": int, "default": 1},
    )
    torch.set_num_threads(options.threads)
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    done = {(row["task"], row["seed"], row["method"]) for row in rows}
    for seed in options.seeds:
        for name in options.tasks:
            task = load_task(options.data, name, seed=seed)
            if (name, seed, "linear SVM") not in done:
                rows += [{"task": name, "seed": seed} | row for row in peers(task)]
            for variant in options.variants:
                if (name, seed, variant) not in done:
                    rows += [{"task": name, "seed": seed} | row for row in ours(task, variant, seed, options.epochs)]
            options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
            print(table(rows), flush=True)


def table(rows: list[dict]) -> str:
    """Macro-F1 by method and task, means over seeds, and the mean over tasks."""
    frame = pd.DataFrame(rows)
    f1 = frame.pivot_table(index="method", columns="task", values="macro_f1", sort=False)
    extra = frame.groupby("method")[["accuracy", "ece", "seconds"]].mean()
    return f1.assign(mean=f1.mean(axis=1)).join(extra).round(3).to_string()


def score(task: Task, method: str, labels: np.ndarray, confidence: np.ndarray | None = None, seconds=None) -> dict:
    """Figures of the labels given to the query, on its known types."""
    known = ~task.unknown
    truth, given = task.truth[known], labels[known]
    row = {"method": method, "accuracy": accuracy_score(truth, given), "seconds": seconds}
    row["macro_f1"] = f1_score(truth, given, average="macro", labels=np.unique(truth), zero_division=0)
    if confidence is not None:
        row["ece"] = expected_calibration_error(confidence[known], truth == given)
    return row


def ours(task: Task, variant: str, seed: int, epochs: int) -> list[dict]:
    """The trained model and its readings alone."""
    start = time.process_time()
    with TemporaryDirectory() as folder:
        model, store = train_task(task, VARIANTS[variant], epochs=epochs, seed=seed, folder=folder)
        seconds = time.process_time() - start
        calibrated = calibrate(model, store, alpha=0.05, seed=seed)
    names = np.array(store.labels)
    readings = read_cells(model, calibrated.profiles, tokenise(task.query))
    probability = probabilities(readings, calibrated.calibration["mix"])
    rows = [score(task, variant, names[probability.argmax(1)], probability.max(1), seconds)]
    for name, reading in zip(READINGS, readings, strict=True):
        rows.append(score(task, f"{variant}: {name} alone", names[reading.argmax(1)]))
    return rows


def peers(task: Task) -> list[dict]:
    """Linear models on the same genes."""
    reference, query = (
        x.multiply(1e4 / np.maximum(x.sum(1), 1)).tocsr().log1p().toarray() for x in (task.reference, task.query)
    )
    models = {
        "logistic regression": LogisticRegression(max_iter=300),
        "linear SVM": LinearSVC(C=0.01),
        "CellTypist": make_pipeline(
            StandardScaler(), _clipped(), OneVsRestClassifier(LogisticRegression(max_iter=300))
        ),
    }
    rows = []
    for name, model in models.items():
        rows.append(score(task, name, model.fit(reference, task.labels.astype(str)).predict(query)))
    return rows


def _clipped() -> FunctionTransformer:
    return FunctionTransformer(lambda x: np.clip(x, None, 10))


if __name__ == "__main__":
    main()
