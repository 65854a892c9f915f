"""Are gene scores faithful? The label's probability when the genes of highest score are removed, or alone are left.

    python tests/benchmarks/faithfulness_study.py --data ../shared/data --out faithfulness_study.json

Held-out cells. Of each cell a share of its expressed genes is set to zero (deletion), or all others are
(insertion), and the cell goes through the whole chain again: tokens, network, ensemble. An area is the mean over shares
up to a half; gain is how far the area lies below (deletion) or above (insertion) that of random genes. Compared: the
most expressed genes; the published attention; gradient times input of the network's tokens, and their integrated
gradients from the cell's mean token (a zero token is no baseline: LayerNorm is blind to length); the contributions to
the linear logits and to typicality alone; the score (both); the score with the network by integrated gradients. All are
for the label against the mean of the others. Intervals: 2,000 bootstraps over the cells of all seeds. Results are added
to the file; a run that it already holds is not repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from tasks import HELD_OUT_TASKS, Task, load_task, study_options, train_task

from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.members import predict_members
from cellcohort.classifier.attribution import GeneContributions
from cellcohort.classifier.ensemble import MEMBERS, probabilities
from cellcohort.classifier.type_profiles import Profiles
from cellcohort.model.additive import AdditiveWorkspace
from cellcohort.model.inference import run_batches, to_tensors
from cellcohort.model.network import CellMemory
from cellcohort.model.presets import PRESETS, Network
from cellcohort.model.reading import read_workspace
from cellcohort.model.tokens import Tokens, length_batches, tokenise

SHARES = np.array([0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5])
MAX_CELLS, STEPS, BOOTSTRAPS = 300, 8, 2000


def main() -> None:
    options = study_options(
        __doc__,
        tasks={"nargs": "+", "default": list(HELD_OUT_TASKS)},
        preset={"default": "additive", "choices": PRESETS},
        epochs={"type": int, "default": 30},
        threads={"type": int, "default": 1},
    )
    torch.set_num_threads(options.threads)
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    done = {(row["task"], row["seed"]) for row in rows}
    for seed in options.seeds:
        for name in options.tasks:
            if (name, seed) in done:
                continue
            task = load_task(options.data, name, seed=seed)
            with TemporaryDirectory() as folder:
                trained, store = train_task(
                    task, PRESETS[options.preset], epochs=options.epochs, seed=seed, folder=folder
                )
                calibrated = calibrate(trained.model, store, trained.linear_models, seed=seed)
            weights = np.array(calibrated.calibration["mix"])
            found = evaluate(task, trained.model, calibrated.profiles, weights, seed)
            rows += [{"task": name, "seed": seed, "weights": weights.tolist()} | row for row in found]
            options.out.write_text(json.dumps({"rows": rows}) + "\n")
            print(table(rows), flush=True)


def evaluate(task: Task, model: Network, profiles: Profiles, weights: np.ndarray, seed: int) -> Iterator[dict]:
    """Areas of held-out cells for each score."""
    rng = np.random.default_rng(seed)
    n_cells = task.query.shape[0]
    counts = task.query[np.sort(rng.choice(n_cells, min(n_cells, MAX_CELLS), replace=False))].tocsr()
    member_logits = predict_members(model, profiles, tokenise(counts))
    labels = probabilities(member_logits, weights).argmax(1)

    def probability(cells: sparse.csr_matrix) -> np.ndarray:
        cells.eliminate_zeros()
        return probabilities(predict_members(model, profiles, tokenise(cells)), weights)[np.arange(len(labels)), labels]

    scores = score_genes(counts, model, profiles, weights, labels, rng)
    contrast = _contrast(labels, member_logits.shape[2])
    parts = (weights[:, None] * (member_logits * contrast).sum(2)).mean(1)
    for method, score in scores.items():
        deletion, insertion = (curve(counts, score, probability, keep=keep) for keep in (False, True))
        yield {
            "method": method,
            "logit": dict(zip(MEMBERS, parts.tolist(), strict=True)),
            "deletion": deletion.mean(0).tolist(),
            "insertion": insertion.mean(0).tolist(),
            "deletion_areas": _area(deletion).tolist(),
            "insertion_areas": _area(insertion).tolist(),
        }


def score_genes(counts, model, profiles, weights, labels, rng) -> dict[str, np.ndarray]:
    """Scores of the values of `counts`, by method; each of shape (counts.nnz,)."""
    tokens = tokenise(counts)
    own = {
        name: GeneContributions(profiles, weights * which, model.config.n_bins).of(tokens, labels)
        for name, which in {"linear": [0, 1, 0], "typicality": [0, 0, 1], "score": [0, 1, 1]}.items()
    }
    workspace, contrast = np.empty(counts.nnz), _contrast(labels, model.config.n_labels)
    for rows, batch, output in run_batches(model, tokens, attention=True):
        workspace[_positions(tokens, rows)] = read_workspace(model, batch, output, contrast[rows]).of_gene
    plain = {"random": rng.random(counts.nnz), "most expressed": counts.data + 1e-6 * rng.random(counts.nnz)}
    if isinstance(model, AdditiveWorkspace):
        return plain | {"workspace": workspace, **own, "score": own["score"] + weights[0] * workspace}
    integrated = attribute(model, tokens, labels, integrated=True)
    return plain | {
        "attention": workspace,
        "gradient x input": attribute(model, tokens, labels, integrated=False),
        "integrated gradients": integrated,
        **own,
        "score and network": own["score"] + weights[0] * integrated,
    }


def attribute(model: CellMemory, tokens: Tokens, labels: np.ndarray, *, integrated: bool) -> np.ndarray:
    """Gradient of the network's contrast times token, or integrated from the cell's mean token, shape (n tokens,)."""
    result = np.empty(len(tokens.genes))
    contrast = torch.from_numpy(_contrast(labels, model.config.n_labels)).float()
    scales = (np.arange(STEPS) + 0.5) / STEPS if integrated else [1.0]
    for rows in length_batches(tokens.lengths + 1, 256, 8192):
        genes, bins, mask = to_tensors(tokens.take(rows), torch.device("cpu"))
        cls, embedded = model.embedding(genes, bins).detach().split([1, genes.shape[1]], 1)
        weights = integrated * mask[:, :, None] / mask.sum(1)[:, None, None]
        start = (weights * embedded).sum(1, keepdim=True)
        total = torch.zeros_like(embedded)
        for scale in scales:
            given = torch.cat([cls, start + scale * (embedded - start)], 1).requires_grad_(True)
            hook = model.embedding.register_forward_hook(lambda *_, given=given: given)
            logits = model(genes, bins, mask).logits
            hook.remove()
            total += torch.autograd.grad((logits * contrast[rows]).sum(), given)[0][:, 1:]
        result[_positions(tokens, rows)] = (total / len(scales) * (embedded - start)).sum(2)[mask].numpy()
    return result


def _contrast(labels: np.ndarray, n_labels: int) -> np.ndarray:
    """1 on a cell's label, the others share -1."""
    own = np.eye(n_labels)[labels]
    return own - (1 - own) / (n_labels - 1)


def _positions(tokens: Tokens, rows: np.ndarray) -> np.ndarray:
    return np.concatenate([np.arange(tokens.indptr[row], tokens.indptr[row + 1]) for row in rows])


def curve(counts: sparse.csr_matrix, score: np.ndarray, probability, *, keep: bool) -> np.ndarray:
    """The label's probability without (`keep`: with nothing but) each share of the genes of highest score."""
    lengths = np.diff(counts.indptr)
    cell = np.repeat(np.arange(len(lengths)), lengths)
    rank = np.empty(counts.nnz, int)
    rank[np.lexsort([-score, cell])] = np.arange(counts.nnz) - np.repeat(counts.indptr[:-1], lengths)
    curves = []
    for share in SHARES:
        top = rank < np.repeat(np.maximum(np.round(share * lengths), share > 0), lengths)
        changed = counts.copy()
        changed.data = np.where(top == keep, counts.data, 0)
        curves.append(probability(changed))
    return np.column_stack(curves)


def _area(curves: np.ndarray) -> np.ndarray:
    return np.trapezoid(curves, SHARES, axis=1) / SHARES[-1]


def table(rows: list[dict]) -> str:
    """Gains over random genes and their ratio to those of the most expressed genes, over the cells of all seeds."""
    lines = []
    for task, of_task in pd.DataFrame(rows).groupby("task", sort=False):
        by_method = of_task.groupby("method", sort=False)
        deleted, inserted = (
            {method: np.concatenate(list(areas)) for method, areas in by_method[f"{kind}_areas"]}
            for kind in ("deletion", "insertion")
        )
        gain = {method: deleted["random"] - area for method, area in deleted.items() if method != "random"}
        n_cells = len(deleted["random"])
        draws = np.random.default_rng(0).integers(0, n_cells, (BOOTSTRAPS, n_cells))
        expressed = gain["most expressed"]
        for method, gained in gain.items():
            line = {"task": task, "method": method, "deletion": gained.mean()}
            means = gained[draws].mean(1)
            line["low"], line["high"] = np.quantile(means, [0.025, 0.975])
            line["ratio"] = gained.mean() / expressed.mean()
            line["ratio_low"], line["ratio_high"] = np.quantile(means / expressed[draws].mean(1), [0.025, 0.975])
            lines.append(line | {"insertion": (inserted[method] - inserted["random"]).mean()})
    return pd.DataFrame(lines).round(3).to_string(index=False)


if __name__ == "__main__":
    main()
