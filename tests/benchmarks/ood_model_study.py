"""OOD scores that need the trained workspace, on the tasks of `ood_study`: what the detector was chosen over.

    python tests/benchmarks/ood_model_study.py --data ../shared/data --out ood_model_study.json

For each task the preset `small` is trained as the workflow trains it. AUROC of the left-out type by the free energy of
the logits, neighbours of the embedding (cosine), neighbours of the slots' states, and the disagreement of passes with
dropout.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from ood_study import entropy
from scipy.special import logsumexp, softmax
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from tasks import OOD_TASKS, Task, load_task

from cellcohort.batches import to_tensors
from cellcohort.inference import run_batches
from cellcohort.model import PRESETS, CellMemory, ModelConfig
from cellcohort.splits import assign_splits
from cellcohort.tokens import Tokens, TokenStore, tokenise, write_store
from cellcohort.training import TrainConfig, train

N_PASSES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    rows = []
    for seed in options.seeds:
        for name in OOD_TASKS:
            task = load_task(options.data, name, seed=seed)
            rows.append({"task": name, "seed": seed} | scores(task, seed, options.epochs))
            options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
            print(json.dumps(rows[-1]), flush=True)
    print(pd.DataFrame(rows).drop(columns=["task", "seed"]).agg(["mean", "min"]).round(3).to_string())


def scores(task: Task, seed: int, epochs: int) -> dict[str, float]:
    """AUROC of each score."""
    reference, query = tokenise(task.reference), tokenise(task.query)
    splits = assign_splits(task.ids, task.labels, task.donors, seed=seed)
    columns = {"cell_id": task.ids, "label": task.labels, "donor": task.donors, "split": splits, "coarse": None}
    sizes = ModelConfig(task.reference.shape[1], len(np.unique(task.labels.astype(str))), **PRESETS["small"])
    with TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        write_store(f"{folder}/tokens.arrow", [(reference, pd.DataFrame(columns))])
        store = TokenStore(f"{folder}/tokens.arrow")
        given = {"device": torch.device("cpu"), "checkpoint": f"{folder}/checkpoint.safetensors"}
        model, _ = train(store, store.labels, sizes, TrainConfig(epochs=epochs, seed=seed), **given)
    (_, near, slots), (logits, far, theirs) = (states(model, tokens) for tokens in (reference, query))
    passes = dropped_out(model, query)
    found = {
        "energy": -logsumexp(logits, axis=1),
        "embedding": neighbours(near, far),
        "slots' states": neighbours(slots, theirs),
        "dropout": entropy(passes.mean(0)) - entropy(passes).mean(0),
    }
    return {name: float(roc_auc_score(task.unknown, score)) for name, score in found.items()}


def states(model: CellMemory, tokens: Tokens) -> tuple[np.ndarray, ...]:
    """Logits, embedding and flattened slots of each cell."""
    config, n = model.config, len(tokens)
    widths = (config.n_labels, config.d_model, config.n_slots * config.d_model)
    arrays = tuple(np.empty((n, width), np.float32) for width in widths)
    for rows, _, output in run_batches(model, tokens):
        for array, part in zip(arrays, (output.logits, output.embedding, output.memory.flatten(1)), strict=True):
            array[rows] = part.numpy()
    return arrays


@torch.no_grad()
def dropped_out(model: CellMemory, tokens: Tokens, batch: int = 128) -> np.ndarray:
    """Class probabilities of passes with dropout, shape (N_PASSES, n, n_labels)."""
    model.train()
    torch.manual_seed(0)
    parts = []
    for start in range(0, len(tokens), batch):
        tensors = to_tensors(tokens.take(np.arange(start, min(start + batch, len(tokens)))), torch.device("cpu"))
        parts.append(np.stack([softmax(model(*tensors).logits.numpy(), axis=1) for _ in range(N_PASSES)]))
    model.eval()
    return np.concatenate(parts, axis=1)


def neighbours(reference: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Mean cosine distance to the ten nearest reference cells."""
    near, far = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (reference, query))
    return NearestNeighbors(n_neighbors=10).fit(near).kneighbors(far)[0].mean(1)


if __name__ == "__main__":
    main()
