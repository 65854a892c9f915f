"""Labels on donors and studies that the model has not seen: ours against linear peers, and what the network adds.

    python tests/benchmarks/label_study.py --data ../shared/data --out label_study.json --variants additive

Macro-F1, accuracy and calibration error on the query's known types, for each task of `tasks.LABEL_TASKS` and seed
(tasks of `tasks.SHIFTED_TASKS` that leave nothing out, `3pv1 to 5p:none`, can be named, too). The model is trained as
the workflow trains it: genes, split, early stopping and weights from the reference alone. The members of its ensemble
are also scored alone. Peers (logistic regression; linear SVM; CellTypist's model, which is one-vs-rest logistic
regression on scaled genes; XGBoost at its defaults, where it is installed) get the same genes, log-normalised. Results
are added to the file; a run that it already holds is not repeated. `--cells` thins the references.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from tasks import LABEL_TASKS, SMALL, Task, load_task, study_options, train_task
from torch import nn
from torch.nn import functional as F

from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.members import predict_members
from cellcohort.classifier.calibration_error import expected_calibration_error
from cellcohort.classifier.ensemble import MEMBERS, probabilities
from cellcohort.model.additive import AdditiveConfig
from cellcohort.model.inference import predict_tokens, to_tensors
from cellcohort.model.network import CellMemory, CellMemoryOutput, ModelConfig
from cellcohort.model.presets import PRESETS
from cellcohort.model.tokens import tokenise

VARIANTS = {
    "additive": PRESETS["additive"],
    "additive, 1 slot": partial(AdditiveConfig, n_slots=1),
    "small": SMALL,
    "small, broadcast to cells": partial(SMALL, broadcast="cells"),
    "small, 1 slot": partial(SMALL, n_slots=1),
    "small, 32 slots": partial(SMALL, n_slots=32),
    "no slots": SMALL,
    "paper": PRESETS["paper"],
}
PUBLISHED = "published recipe"


class MeanPooling(CellMemory):
    """What is left without memory slots: the mean of a cell's tokens, a feed-forward block, the head."""

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        self.workspace = nn.Sequential(
            nn.LayerNorm(config.d_model),
            nn.Linear(config.d_model, config.d_ff),
            nn.ReLU(),
            nn.Linear(config.d_ff, config.d_model),
        )

    def forward(self, genes, bins, mask, *, attention: bool = False) -> CellMemoryOutput:
        tokens = self.embedding(genes, bins)[:, 1:] * mask[:, :, None]
        mean = tokens.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        pooled = mean + self.workspace(mean)
        return CellMemoryOutput(self.head(pooled).float(), pooled, pooled[:, None])


def main() -> None:
    options = study_options(
        __doc__,
        tasks={"nargs": "+", "default": LABEL_TASKS},
        variants={"nargs": "+", "default": ["additive"], "choices": [*VARIANTS, PUBLISHED]},
        epochs={"type": int, "default": 30},
        cells={"type": int, "default": None, "help": "cells of the reference that are left, drawn at random"},
        threads={"type": int, "default": 1},
    )
    torch.set_num_threads(options.threads)
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    done = {(row["task"], row["seed"], row["method"]) for row in rows}
    for seed in options.seeds:
        for name in options.tasks:
            task = thinned(load_task(options.data, name, seed=seed), options.cells, seed)
            if (name, seed, "linear SVM") not in done:
                rows += [{"task": name, "seed": seed} | row for row in peers(task)]
            for variant in options.variants:
                if (name, seed, variant) not in done:
                    found = published(task, seed) if variant == PUBLISHED else ours(task, variant, seed, options.epochs)
                    rows += [{"task": name, "seed": seed} | row for row in found]
            options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
            print(table(rows), flush=True)


def thinned(task: Task, n_cells: int | None, seed: int) -> Task:
    """The task with at most `n_cells` cells in its reference; genes and query as they are."""
    kept = np.sort(np.random.default_rng(seed).permutation(len(task.labels))[:n_cells])
    donors = None if task.donors is None else task.donors[kept]
    return replace(task, reference=task.reference[kept], labels=task.labels[kept], ids=task.ids[kept], donors=donors)


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


def ours(task: Task, variant: str, seed: int, epochs: int, coarse: dict[str, str] | None = None) -> list[dict]:
    """The trained model, and the members of its ensemble alone; answers are renamed by `coarse` where it is given."""
    start = time.process_time()
    pooled = mock.patch("cellcohort.model.training.make_network", MeanPooling)
    with TemporaryDirectory() as folder, pooled if variant == "no slots" else nullcontext():
        trained, store = train_task(task, VARIANTS[variant], epochs=epochs, seed=seed, folder=folder)
        seconds = time.process_time() - start
        calibrated = calibrate(trained.model, store, trained.linear_models, seed=seed)
    names = np.array([coarse[label] if coarse else label for label in store.labels])
    member_logits = predict_members(trained.model, calibrated.profiles, tokenise(task.query))
    probability = probabilities(member_logits, calibrated.calibration["mix"])
    rows = [score(task, variant, names[probability.argmax(1)], probability.max(1), seconds)]
    for name, logits in zip(MEMBERS, member_logits, strict=True):
        rows.append(score(task, f"{variant}: {name} alone", names[logits.argmax(1)]))
    return rows


def published(task: Task, seed: int, epochs: int = 20, patience: int = 5, batch_size: int = 140) -> list[dict]:
    """The published model by its own recipe but with padding masked, as our forward pass equals it at any speed.

    Random embeddings, Adam at 3e-4, a random fifth of the cells for early stopping; no weights of labels, no token
    dropout, no schedule. Its 100 epochs are cut to `epochs`.
    """
    start, labels = time.process_time(), np.unique(task.labels.astype(str))
    tokens, targets = tokenise(task.reference), np.searchsorted(labels, task.labels.astype(str))
    rng = np.random.default_rng(seed)
    held_out = rng.random(len(targets)) < 0.2
    torch.manual_seed(seed)
    model = CellMemory(ModelConfig(task.reference.shape[1], len(labels)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
    best, weights, bad = math.inf, None, 0
    for _ in range(epochs):
        model.train()
        order = rng.permutation(np.flatnonzero(~held_out))
        for rows in np.array_split(order, math.ceil(len(order) / batch_size)):
            logits = model(*to_tensors(tokens.take(rows), torch.device("cpu"))).logits
            loss = F.cross_entropy(logits, torch.from_numpy(targets[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        (logits,) = predict_tokens(model, tokens.take(np.flatnonzero(held_out)), "logits")
        loss = float(F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(targets[held_out])))
        bad = 0 if loss < best else bad + 1
        if bad == 0:
            best, weights = loss, {name: value.clone() for name, value in model.state_dict().items()}
        if bad == patience:
            break
    model.load_state_dict(weights)
    (logits,) = predict_tokens(model, tokenise(task.query), "logits")
    probability = torch.from_numpy(logits).softmax(1).numpy()
    seconds = time.process_time() - start
    return [score(task, PUBLISHED, labels[probability.argmax(1)], probability.max(1), seconds)]


def peers(task: Task, coarse: dict[str, str] | None = None) -> list[dict]:
    """Linear models on the same genes; answers are renamed by `coarse` where it is given."""
    reference, query = (log_normalised(x).toarray() for x in (task.reference, task.query))
    models = {
        "logistic regression": LogisticRegression(max_iter=300),
        "linear SVM": LinearSVC(C=0.01),
        "CellTypist": make_pipeline(
            StandardScaler(), _clipped(), OneVsRestClassifier(LogisticRegression(max_iter=300))
        ),
    }
    if find_spec("xgboost"):
        models["XGBoost"] = _NamedClasses(import_module("xgboost").XGBClassifier(n_jobs=2))
    rows = []
    for name, model in models.items():
        answers = model.fit(reference, task.labels.astype(str)).predict(query)
        rows.append(score(task, name, np.array([coarse[label] for label in answers]) if coarse else answers))
    return rows


class _NamedClasses:
    """A classifier of numbered classes as one of named ones."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, labels):
        self.names, codes = np.unique(labels, return_inverse=True)
        self.model.fit(X, codes)
        return self

    def predict(self, X):
        return self.names[self.model.predict(X)]


def log_normalised(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Log of one plus counts per 10,000."""
    return counts.multiply(1e4 / np.maximum(counts.sum(1), 1)).tocsr().log1p()


def _clipped() -> FunctionTransformer:
    return FunctionTransformer(lambda x: np.clip(x, None, 10))


if __name__ == "__main__":
    main()
