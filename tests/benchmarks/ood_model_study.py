"""OOD scores that need the trained network, on the tasks of `ood_study`: what the detector was chosen over.

    python tests/benchmarks/ood_model_study.py --data ../shared/data --out ood_model_study.json

For each task the preset `small` is trained as the workflow trains it. AUROC of the left-out type by the free energy of
the logits, neighbours of the embedding (cosine), neighbours of the slots' states, and the disagreement of passes with
dropout.
"""

from __future__ import annotations

import json
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from ood_study import entropy, neighbours, unit
from scipy.special import logsumexp, softmax
from sklearn.metrics import roc_auc_score
from tasks import OOD_TASKS, SMALL, Task, load_task, study_options, train_task

from cellcohort.model.inference import run_batches, to_tensors
from cellcohort.model.network import CellMemory
from cellcohort.model.tokens import Tokens, tokenise

N_PASSES = 10


def main() -> None:
    options = study_options(__doc__, seeds=(1,), epochs={"type": int, "default": 20})
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
    with TemporaryDirectory() as folder:
        model = train_task(task, SMALL, epochs=epochs, seed=seed, folder=folder)[0].model
    (_, near, slots), (logits, far, theirs) = (states(model, tokens) for tokens in (reference, query))
    passes = dropped_out(model, query)
    found = {
        "energy": -logsumexp(logits, axis=1),
        "embedding": neighbours(unit(near), unit(far)),
        "slots' states": neighbours(unit(slots), unit(theirs)),
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


if __name__ == "__main__":
    main()
