"""OOD detection on donors, studies and types that the reference lacks: the detector against simple scores.

    python tests/benchmarks/ood_study.py --data ../shared/data --out ood_study.json

For each of the twelve tasks (`tasks.OOD_TASKS`) and seeds: AUROC of the left-out type by every score; the detector's
false alarms and recall at alpha 0.05 on the query as a whole, on its known cells alone, and on its OOD cells alone. The
simple scores are those of a logistic regression and of PCA (40) neighbours on log-normalised, scaled genes. Needs no
training: what the detector uses of the model is fitted in closed form.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from tasks import OOD_TASKS, OTHER_STUDY, Task, load_task

from cellcohort.crossfit import assign_folds, cross_fit
from cellcohort.evidence import bin_levels
from cellcohort.ood import fit_detector
from cellcohort.profiles import VIEWS, fit_profiles
from cellcohort.shift import ShiftEstimator
from cellcohort.splits import assign_splits
from cellcohort.tokens import tokenise

ALPHA = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    rows = []
    for name in OOD_TASKS:
        for seed in options.seeds:
            task = load_task(options.data, name, seed=seed)
            rows.append({"task": name, "seed": seed} | ours(task, seed) | simple(task))
            print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in rows[-1].items()}), flush=True)
    table = pd.DataFrame(rows)
    options.out.write_text(json.dumps({"rows": rows, "summary": summary(table)}, indent=2) + "\n")
    print(table.groupby("task", sort=False).mean(numeric_only=True).round(3).to_string())
    print(json.dumps(summary(table), indent=2))


def ours(task: Task, seed: int) -> dict:
    """The detector, with its views one by one."""
    names, codes = np.unique(task.labels, return_inverse=True)
    splits = assign_splits(task.ids, task.labels, task.donors, seed=seed)
    cells = pd.DataFrame({"cell_id": task.ids, "label": task.labels, "donor": task.donors, "split": splits})
    n_genes = task.reference.shape[1]
    reference, query = (bin_levels(tokenise(x), n_genes, 50) for x in (task.reference, task.query))
    seen, _ = cross_fit(reference, codes, assign_folds(cells, seed=seed), len(names))
    profiles = fit_profiles(reference, codes, len(names))
    detector = fit_detector(seen, names)
    compared = profiles.compare(query)
    types, views = compared.types, compared.views
    scores = detector.score(views)

    def called(chosen: np.ndarray, adjusted: bool = True) -> np.ndarray:
        """OOD verdicts of a sample of the chosen cells."""
        estimator = ShiftEstimator(profiles, detector, list(names))
        estimator.add(np.flatnonzero(chosen).astype(str), types[chosen], scores[chosen], query[chosen])
        shift = estimator.estimate(types[chosen], scores[chosen]).shift if adjusted else 0.0
        return detector.pvalue(scores[chosen] - shift, names[types[chosen]]) <= ALPHA

    unknown, everything = task.unknown, np.ones(len(task.unknown), bool)
    verdict = called(everything)
    figures = {
        "AUROC": roc_auc_score(unknown, scores),
        "false alarms": verdict[~unknown].mean(),
        "recall": verdict[unknown].mean(),
        "false alarms, unadjusted": called(everything, adjusted=False)[~unknown].mean(),
        "false alarms, known cells alone": called(~unknown).mean(),
        "recall, OOD cells alone": called(unknown).mean(),
    }
    figures |= {f"AUROC {view}": roc_auc_score(unknown, views[:, i]) for i, view in enumerate(VIEWS)}
    return {name: float(value) for name, value in figures.items()}


def simple(task: Task) -> dict:
    """AUROC of the scores of the field notes, on log-normalised, scaled genes."""
    logs = [_log_normalised(x) for x in (task.reference, task.query)]
    mean, deviation = logs[0].mean(0), logs[0].std(0) + 1e-9
    reference, query = (np.clip((x - mean) / deviation, -10, 10) for x in logs)
    model = LogisticRegression(max_iter=300, C=0.1).fit(reference, task.labels)
    logits = model.decision_function(query)
    pca = PCA(40, random_state=0).fit(reference)
    near, far = pca.transform(reference), pca.transform(query)
    distances = {}
    for kind, (a, b) in {"euclidean": (near, far), "cosine": (_unit(near), _unit(far))}.items():
        distances[kind] = NearestNeighbors(n_neighbors=10).fit(a).kneighbors(b)[0].mean(1)
    scores = {
        "max softmax": -softmax(logits, axis=1).max(1),
        "energy": -logsumexp(logits, axis=1),
        "kNN euclidean": distances["euclidean"],
        "kNN cosine": distances["cosine"],
        "Mahalanobis": _mahalanobis(near, far, task.labels),
    }
    scores["rank of three"] = sum(rankdata(scores[k]) for k in ("max softmax", "kNN euclidean", "kNN cosine"))
    return {f"simple {name}": float(roc_auc_score(task.unknown, score)) for name, score in scores.items()}


def _log_normalised(counts: sp.csr_matrix) -> np.ndarray:
    dense = counts.toarray()
    return np.log1p(1e4 * dense / np.maximum(dense.sum(1, keepdims=True), 1))


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def _mahalanobis(reference: np.ndarray, query: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Distance to the nearest class, with the covariance shared by the classes."""
    names, codes = np.unique(labels, return_inverse=True)
    centres = np.stack([reference[codes == i].mean(0) for i in range(len(names))])
    precision = np.linalg.pinv(np.cov((reference - centres[codes]).T))
    return np.min([np.einsum("ni,ij,nj->n", query - c, precision, query - c) for c in centres], axis=0)


def summary(table: pd.DataFrame) -> dict:
    """Means over tasks with intervals over seeds, and the worst task."""
    by_seed = table.groupby("seed").mean(numeric_only=True)
    by_task = table.groupby("task").mean(numeric_only=True)
    figures = {}
    for name in by_seed:
        mean, spread = by_seed[name].mean(), 4.30 * by_seed[name].std() / np.sqrt(len(by_seed))  # t, two degrees
        worst = by_task[name].max() if "alarms" in name else by_task[name].min()
        figures[name] = {"mean": mean, "low": mean - spread, "high": mean + spread, "worst task": worst}
    other = by_task.index.str.startswith(OTHER_STUDY)
    for place, rows in (("other studies", other), ("same study", ~other)):
        figures["false alarms"][place] = by_task.loc[rows, "false alarms"].mean()
        figures["false alarms"][f"{place}, worst"] = by_task.loc[rows, "false alarms"].max()
    return {name: {k: round(float(v), 4) for k, v in row.items()} for name, row in figures.items()}


if __name__ == "__main__":
    main()
