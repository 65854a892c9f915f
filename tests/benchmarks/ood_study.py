"""OOD detection on donors, studies and types that the reference lacks: the detector against simple scores.

    python tests/benchmarks/ood_study.py --data ../shared/data --out ood_study.json

For each of the twelve tasks (`tasks.OOD_TASKS`) and seeds: AUROC of the left-out type by every score; false alarms and
recall at alpha 0.05 on the query as a whole, on its known cells alone, on its OOD cells alone, and false alarms on 20
known cells alone, by the library's decision and by the one that it replaced (`released`), on the same scores. The
simple scores (left out by `--decision`) are those of a logistic regression and of PCA (40) neighbours on
log-normalised, scaled genes. Needs no training: what the detector uses of the model is fitted in closed form.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from tasks import OOD_TASKS, OTHER_STUDY, Task, load_task, study_options

from cellcohort.classifier.cross_fit import assign_folds, cross_fit, groups_of
from cellcohort.classifier.type_profiles import OOD_COMPONENTS, Comparison, Profiles, fit_profiles
from cellcohort.model.tokens import N_BINS, scale_bins, tokenise
from cellcohort.ood.detector import Detector, fit_detector
from cellcohort.ood.judgement import Shift, judge_in_memory
from cellcohort.ood.neighbourhoods import nearest_in_groups

ALPHA = 0.05
SMALL, N_SMALL = 20, 20  # cells of a small sample, samples of that size


def main() -> None:
    options = study_options(__doc__, decision={"action": "store_true"})
    rows = []
    for name in OOD_TASKS:
        for seed in options.seeds:
            task = load_task(options.data, name, seed=seed)
            rows.append({"task": name, "seed": seed} | ours(task, seed) | ({} if options.decision else simple(task)))
            print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in rows[-1].items()}), flush=True)
    table = pd.DataFrame(rows)
    options.out.write_text(json.dumps({"rows": rows, "summary": summary(table)}, indent=2) + "\n")
    print(table.groupby("task", sort=False).mean(numeric_only=True).round(3).to_string())
    print(json.dumps(summary(table), indent=2))


@dataclass(frozen=True)
class Fitted:
    """Names of the labels, profiles, detector, and scores and labels of the reference's cells without their fold."""

    names: np.ndarray
    profiles: Profiles
    detector: Detector
    scores: np.ndarray
    types: np.ndarray


def fit(task: Task, seed: int) -> tuple[Fitted, sparse.csr_matrix]:
    """The reference, and the query's scaled bins."""
    names, codes = np.unique(task.labels.astype(str), return_inverse=True)
    reference, query = (scale_bins(tokenise(x), x.shape[1], N_BINS) for x in (task.reference, task.query))
    cells = task.cells(seed)
    folds = assign_folds(cells, seed=seed)
    out_of_fold, _ = cross_fit(reference, codes, folds, len(names))
    groups = np.where(out_of_fold.scored, groups_of(cells, folds), -1)
    detector = fit_detector(out_of_fold, nearest_in_groups(reference, groups), len(names))
    scores = detector.score(out_of_fold.ood_components[out_of_fold.scored])
    types = out_of_fold.types[out_of_fold.scored]
    return Fitted(names, fit_profiles(reference, codes, len(names)), detector, scores, types), query


def call_query(task: Task, seed: int) -> tuple[np.ndarray, Comparison, np.ndarray, Shift]:
    """The query as one sample: names of the labels, comparison, OOD calls and shift."""
    fitted, query = fit(task, seed)
    compared, ids = fitted.profiles.compare(query), np.arange(query.shape[0]).astype(str)
    judged = judge_in_memory(fitted.profiles, fitted.detector, list(fitted.names), compared, query, ids)
    return fitted.names, compared, judged.pvalues <= ALPHA, judged.shift


def current(fitted: Fitted, query: sparse.csr_matrix, ids: np.ndarray) -> np.ndarray:
    """p-values by the library."""
    compared = fitted.profiles.compare(query)
    return judge_in_memory(fitted.profiles, fitted.detector, list(fitted.names), compared, query, ids).pvalues


def released(fitted: Fitted, query: sparse.csr_matrix, ids: np.ndarray) -> np.ndarray:
    """Conformal p-values by the rule that was replaced: one shift a sample, the median over labels that keep their
    contrast. `ids` are not used: no random choice is made."""
    compared = fitted.profiles.compare(query)
    types, scores = compared.types, fitted.detector.score(compared.ood_components)
    own = {code: np.sort(fitted.scores[fitted.types == code]) for code in range(len(fitted.names))}
    own = {code: x if len(x) >= 100 else np.sort(fitted.scores) for code, x in own.items()}
    centres, shifts = {}, {}
    for code in np.flatnonzero(np.bincount(types) >= 20):
        cells = np.flatnonzero(types == code)
        lowest = cells[np.argsort(scores[cells])[: min(200, max(10, len(cells) // 10))]]
        centres[code] = query[lowest].mean(0).A1
        shifts[code] = np.quantile(scores[cells], 0.1) - np.quantile(own[code], 0.1)
    agreed = [shifts[code] for code in centres if len(centres) > 1 and _kept(code, centres, fitted.profiles) >= 0.5]
    shift = max(0.0, np.median(agreed)) if len(agreed) > 1 else 0.0
    higher = [
        len(own[code]) - np.searchsorted(own[code], score) for code, score in zip(types, scores - shift, strict=True)
    ]
    return (1 + np.array(higher)) / (1 + np.array([len(own[code]) for code in types]))


def _kept(code: int, centres: dict[int, np.ndarray], profiles: Profiles) -> float:
    """How much of the label's contrast to the others the sample keeps."""
    rest, weight = [other for other in centres if other != code], 1 / (profiles.deviation + 0.02)
    here = (centres[code] - np.mean([centres[other] for other in rest], axis=0)) * weight
    there = (profiles.level[:, code] - profiles.level[:, rest].mean(1)) * weight
    return here @ there / max(there @ there, np.linalg.norm(here) * np.linalg.norm(there), 1e-12)


def ours(task: Task, seed: int) -> dict:
    """The score, with its components one by one, and both decisions."""
    fitted, query = fit(task, seed)
    compared = fitted.profiles.compare(query)
    components, scores = compared.ood_components, fitted.detector.score(compared.ood_components)
    figures = {"AUROC": roc_auc_score(task.unknown, scores)}
    for prefix, decide in (("", current), ("released ", released)):
        figures |= {
            prefix + name: value for name, value in decisions(fitted, query, task.unknown, decide, seed).items()
        }
    figures |= {f"AUROC {name}": roc_auc_score(task.unknown, components[:, i]) for i, name in enumerate(OOD_COMPONENTS)}
    return {name: float(value) for name, value in figures.items()}


def decisions(fitted: Fitted, query: sparse.csr_matrix, unknown: np.ndarray, decide: Callable, seed: int) -> dict:
    """False alarms and recall of a decision on samples of the query's cells."""

    def called(cells: np.ndarray) -> np.ndarray:
        return decide(fitted, query[cells], cells.astype(str)) <= ALPHA

    rng, known = np.random.default_rng(seed), np.flatnonzero(~unknown)
    small = [rng.choice(known, SMALL, replace=False) for _ in range(N_SMALL)]
    everything = called(np.arange(len(unknown)))
    return {
        "false alarms": everything[~unknown].mean(),
        "recall": everything[unknown].mean(),
        "false alarms, known cells alone": called(known).mean(),
        "recall, OOD cells alone": called(np.flatnonzero(unknown)).mean(),
        "false alarms, 20 known cells": np.mean([called(np.sort(cells)).mean() for cells in small]),
    }


def simple(task: Task) -> dict:
    """AUROC of the scores of the field notes, on log-normalised, scaled genes."""
    logs = [_log_normalised(x) for x in (task.reference, task.query)]
    mean, deviation = logs[0].mean(0), logs[0].std(0) + 1e-9
    reference, query = (np.clip((x - mean) / deviation, -10, 10) for x in logs)
    model = LogisticRegression(max_iter=300, C=0.1).fit(reference, task.labels)
    logits = model.decision_function(query)
    pca = PCA(40, random_state=0).fit(reference)
    near, far = pca.transform(reference), pca.transform(query)
    scores = {
        "max softmax": -softmax(logits, axis=1).max(1),
        "energy": -logsumexp(logits, axis=1),
        "kNN euclidean": neighbours(near, far),
        "kNN cosine": neighbours(unit(near), unit(far)),
        "kNN by class": _by_class(near, far, task.labels),
        "reconstruction": ((query - pca.inverse_transform(far)) ** 2).sum(1),
        "disagreement": _disagreement(near, far, task.labels),
        "outlier exposure": _exposed(near, far, task.labels),
        **_mahalanobis(near, far, task.labels),
    }
    scores["rank of three"] = sum(rankdata(scores[k]) for k in ("max softmax", "kNN euclidean", "kNN cosine"))
    return {f"simple {name}": float(roc_auc_score(task.unknown, score)) for name, score in scores.items()}


def _log_normalised(counts: sparse.csr_matrix) -> np.ndarray:
    dense = counts.toarray()
    return np.log1p(1e4 * dense / np.maximum(dense.sum(1, keepdims=True), 1))


def neighbours(reference: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Mean distance to the ten nearest reference cells."""
    return NearestNeighbors(n_neighbors=10).fit(reference).kneighbors(query)[0].mean(1)


def unit(x: np.ndarray) -> np.ndarray:
    """The rows at length one."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def _mahalanobis(reference: np.ndarray, query: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Distance to the nearest class with a shared covariance, with the class's own, and relative to all cells."""
    names, codes = np.unique(labels, return_inverse=True)
    centres = np.stack([reference[codes == i].mean(0) for i in range(len(names))])
    shared = np.cov((reference - centres[codes]).T)
    own = [_shrunk(reference[codes == i] - centres[i], shared) for i in range(len(names))]
    by_class = [_distance(query - centre, covariance) for centre, covariance in zip(centres, own, strict=True)]
    nearest = np.min([_distance(query - centre, shared) for centre in centres], axis=0)
    return {
        "Mahalanobis": nearest,
        "Mahalanobis, class covariance": np.min(by_class, axis=0),
        "Mahalanobis, relative": nearest - _distance(query - reference.mean(0), np.cov(reference.T)),
    }


def _shrunk(residuals: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Half of the class's own covariance, half of the shared one."""
    return shared if len(residuals) < 3 else 0.5 * np.cov(residuals.T) + 0.5 * shared


def _distance(x: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return np.einsum("ni,ij,nj->n", x, np.linalg.pinv(covariance), x)


def _by_class(reference: np.ndarray, query: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cosine distance to the neighbours in the best class, in units of that class's own distances."""
    ratios = []
    for name in np.unique(labels):
        members = unit(reference[labels == name])
        search = NearestNeighbors(n_neighbors=min(10, len(members))).fit(members)
        ratios.append(search.kneighbors(unit(query))[0].mean(1) / search.kneighbors(members)[0].mean())
    return np.min(ratios, axis=0)


def _disagreement(reference: np.ndarray, query: np.ndarray, labels: np.ndarray, n: int = 7) -> np.ndarray:
    """Entropy of the mean minus mean entropy of logistic regressions on bootstrap samples."""
    rng, given = np.random.default_rng(0), []
    for _ in range(n):
        rows = np.concatenate([rng.choice(np.flatnonzero(labels == x), (labels == x).sum()) for x in np.unique(labels)])
        given.append(LogisticRegression(max_iter=200).fit(reference[rows], labels[rows]).predict_proba(query))

    return entropy(np.mean(given, axis=0)) - np.mean([entropy(p) for p in given], axis=0)


def entropy(p: np.ndarray) -> np.ndarray:
    """Of the last axis."""
    return -(p * np.log(p + 1e-12)).sum(-1)


def _exposed(reference: np.ndarray, query: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log-odds of being one of as many synthetic cells: means of two cells of different types."""
    rng, n = np.random.default_rng(0), len(reference)
    first, second = rng.integers(n, size=3 * n), rng.integers(n, size=3 * n)
    mixed = np.flatnonzero(labels[first] != labels[second])[:n]
    synthetic = (reference[first[mixed]] + reference[second[mixed]]) / 2
    squared = [np.hstack([x, x**2]) for x in (reference, synthetic, query)]
    targets = np.repeat([0, 1], [n, len(synthetic)])
    model = LogisticRegression(max_iter=500, C=0.01).fit(np.vstack(squared[:2]), targets)
    return model.decision_function(squared[2])


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
