"""Markers: how many published markers of a type are among the 50 genes of its highest score?

    python tests/benchmarks/marker_study.py --data ../shared/data --out marker_study.json

Held-out cells of pancreas and sorted blood, published network (`tasks.SMALL`). The markers are those of
resources/gene_sets_human.gmt that the vocabulary holds. A type's score of a gene is its mean over the cells that get
the label, as the workflow tabulates it. Compared with the published attention, the mean expression, and the
coefficients of logistic regression.
"""

from __future__ import annotations

import json
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from tasks import SMALL, Task, load_task, study_options, train_task

from cellcohort.annotation.explanation import Explanation
from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.members import predict_members
from cellcohort.classifier.attribution import GeneContributions, label_contrast
from cellcohort.classifier.ensemble import probabilities
from cellcohort.inputs.gene_sets import read_gene_sets
from cellcohort.inputs.resources import resource_path
from cellcohort.model.inference import run_batches
from cellcohort.model.reading import read_workspace
from cellcohort.model.tokens import tokenise

TOP = 50
MARKERS = {
    "pancreas": {
        **{kind: f"pancreas {kind}" for kind in ("alpha", "beta", "delta", "gamma", "epsilon", "acinar", "ductal")},
        "activated_stellate": "pancreas stellate activated",
        "quiescent_stellate": "pancreas stellate quiescent",
        "endothelial": "endothelial",
        "macrophage": "macrophage",
    },
    "zheng": {
        "T_CD4": "blood T CD4",
        "T_CD8": "blood T CD8",
        "NK": "blood NK",
        "B": "blood B",
        "MNP": "blood mononuclear phagocyte",
    },
}


def main() -> None:
    options = study_options(__doc__, epochs={"type": int, "default": 30})
    torch.set_num_threads(1)
    gene_sets, rows = read_gene_sets(resource_path("gene_sets_human.gmt")), []
    for name, sets in MARKERS.items():
        for seed in options.seeds:
            task = load_task(options.data, name, seed=seed)
            scores = score_types(task, seed, options.epochs)
            for label, gene_set in sets.items():
                markers = set(gene_sets[gene_set]) & set(task.symbols)
                found = {
                    method: len(markers & set(task.symbols[np.argsort(-of_type[label], kind="stable")[:TOP]]))
                    for method, of_type in scores.items()
                    if label in of_type
                }
                rows += [
                    {"task": name, "seed": seed, "type": label, "markers": len(markers), "method": method, "found": n}
                    for method, n in found.items()
                ]
    options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
    frame = pd.DataFrame(rows)
    frame["share"] = frame["found"] / frame["markers"]
    by_type = frame.pivot_table(index=["task", "type"], columns="method", values="share", sort=False)
    print(by_type.join(frame.groupby(["task", "type"])["markers"].mean()).round(2).to_string())
    print(by_type.groupby("task").mean().round(3).to_string())


def score_types(task: Task, seed: int, epochs: int) -> dict[str, dict[str, np.ndarray]]:
    """Scores of genes, shape (n_genes,), by method and type."""
    with TemporaryDirectory() as folder:
        trained, store = train_task(task, SMALL, epochs=epochs, seed=seed, folder=folder)
        calibrated = calibrate(trained.model, store, trained.linear_models, seed=seed)
    model = trained.model
    config, profiles, weights = model.config, calibrated.profiles, np.array(calibrated.calibration["mix"])
    tokens = tokenise(task.query)
    labels = probabilities(predict_members(model, profiles, tokens), weights).argmax(1)
    contributions, contrast = GeneContributions(profiles, weights, config.n_bins), label_contrast(profiles)
    explanation = Explanation(config.n_labels, config.n_genes, config.n_slots)
    for rows, batch, output in run_batches(model, tokens, attention=True):
        reading = read_workspace(model, batch, output, contrast[labels[rows]])
        explanation.add(labels[rows], batch, reading, contributions.of(batch, labels[rows]))
    expressed = log_normalised(task.query)
    regression = LogisticRegression(max_iter=500).fit(log_normalised(task.reference), task.labels.astype(str))
    found = [(i, name) for i, name in enumerate(store.labels) if explanation.n_cells[i]]
    return {
        "score": {name: explanation.scores[i] for i, name in found},
        "attention": {name: explanation.workspace[i] for i, name in found},
        "expression": {name: expressed[labels == i].mean(0).A1 for i, name in found},
        "logistic regression": dict(zip(regression.classes_, regression.coef_, strict=True)),
    }


def log_normalised(counts):
    depth = np.maximum(counts.sum(1).A1, 1)
    normalised = counts.multiply(1e4 / depth[:, None]).tocsr()
    normalised.data = np.log1p(normalised.data)
    return normalised


if __name__ == "__main__":
    main()
