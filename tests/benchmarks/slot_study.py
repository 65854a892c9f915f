"""Slots: do other seeds find the same programs, and does CLS use every slot?

    python tests/benchmarks/slot_study.py --data ../shared/data --out slot_study.json --figure slots.png

One reference (pancreas, held-out cells; its first seed's split), trained with each seed, or, with `--resampled`, each
seed's own nine tenths of it. A slot's program is the mean of what it reads over held-out cells, types weighted equally
(additive: its share of a gene times the gene's share of the cell); its specific part is the logarithm less the mean of
the slots'. The slots of two models are matched one to one for the highest sum of correlations
(Hungarian); as chance, those of a model whose genes are shuffled are matched. Use is the share that CLS takes of a
slot (additive: the slot's share of the cell); a slot is dead if no type takes a tenth of an equal share. Of the
additive workspace each slot is also silenced in turn: `ablation` is the share of a label's held-out cells that lose it.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from tasks import Task, load_task, study_options, train_task

from cellcohort.model.additive import AdditiveOutput, AdditiveWorkspace
from cellcohort.model.inference import predict_tokens, run_batches
from cellcohort.model.presets import PRESETS, Network, Output
from cellcohort.model.tokens import Tokens, tokenise

mpl.use("Agg")
from matplotlib import pyplot as plt

DEAD = 0.1  # of an equal share


def main() -> None:
    options = study_options(
        __doc__,
        (1, 2, 3, 4, 5),
        task={"default": "pancreas"},
        preset={"default": "additive", "choices": PRESETS},
        resampled={"action": "store_true", "help": "each seed draws its own nine tenths of the reference"},
        epochs={"type": int, "default": 30},
        figure={"type": Path, "default": None, "help": "PNG or SVG file"},
    )
    torch.set_num_threads(1)
    task = first = load_task(options.data, options.task, seed=options.seeds[0])
    programs, use, lost = [], [], []
    for seed in options.seeds:
        task = resample(first, seed) if options.resampled else first
        with TemporaryDirectory() as folder:
            trained, _ = train_task(task, PRESETS[options.preset], epochs=options.epochs, seed=seed, folder=folder)
        model = trained.model
        program, of_types = read_slots(task, model)
        programs.append(program)
        use.append(of_types)
        lost.append(ablation(task, model) if isinstance(model, AdditiveWorkspace) else None)
    result = (
        compare(programs, np.array(use))
        | {"ablation": lost}
        | {"use": np.array(use).tolist(), "types": np.unique(task.truth).tolist()}
    )
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k not in ("use", "types")}, indent=2))
    if options.figure:
        draw(result, options.seeds, options.figure)


def resample(task: Task, seed: int) -> Task:
    """The task with four fifths of its reference's cells."""
    kept = np.flatnonzero(np.random.default_rng(seed).random(len(task.labels)) < 0.8)
    donors = None if task.donors is None else task.donors[kept]
    return replace(task, reference=task.reference[kept], labels=task.labels[kept], ids=task.ids[kept], donors=donors)


def ablation(task: Task, model: AdditiveWorkspace) -> list[float]:
    """Largest share of a label's held-out cells that lose it without the slot, by slot."""
    tokens = tokenise(task.query)
    before, found = predict_tokens(model, tokens, "logits")[0].argmax(1), []
    for slot in range(model.config.n_slots):
        silenced = deepcopy(model)
        with torch.no_grad():
            silenced.gain[slot], silenced.vote[slot] = 0, 0
        after = predict_tokens(silenced, tokens, "logits")[0].argmax(1)
        found.append(float(pd.Series(before != after).groupby(before).mean().max()))
    return found


def read_slots(task: Task, model: Network) -> tuple[np.ndarray, np.ndarray]:
    """Programs (slots, genes) of genes that held-out cells have, NaN elsewhere; use (types, slots)."""
    tokens, config = tokenise(task.query), model.config
    types, codes = np.unique(task.truth.astype(str), return_inverse=True)
    weight = 1 / np.bincount(codes)[codes] / len(types)
    programs, use = np.zeros((config.n_genes, config.n_slots)), np.zeros((len(types), config.n_slots))
    for rows, batch, output in run_batches(model, tokens, attention=True):
        read, received = of_slots(batch, output)
        np.add.at(programs, batch.genes, read * np.repeat(weight[rows], batch.lengths)[:, None])
        np.add.at(use, codes[rows], received)
    programs[programs.sum(1) == 0] = np.nan
    return programs.T, use / np.bincount(codes)[:, None]


def of_slots(batch: Tokens, output: Output) -> tuple[np.ndarray, np.ndarray]:
    """What each slot reads of each token (n tokens, slots), and how much of each slot the cell has (B, slots)."""
    inside = np.arange(batch.lengths.max()) < batch.lengths[:, None]
    if isinstance(output, AdditiveOutput):
        share = batch.bins / np.repeat(np.add.reduceat(batch.bins, batch.indptr[:-1], dtype=float), batch.lengths)
        read = output.assignment.numpy()[inside] * share[:, None]
        return read, np.add.reduceat(read, batch.indptr[:-1])
    return output.read[:, :, 1:].transpose(1, 2).numpy()[inside], output.received.numpy()


def compare(programs: list[np.ndarray], use: np.ndarray) -> dict:
    """Rank correlations of matched slots by pair of seeds, and how even the slots' use is."""
    shared = np.isfinite(programs[0]).all(0)
    raw = [ranks(program[:, shared]) for program in programs]
    specific = [ranks(own_part(program[:, shared])) for program in programs]
    rng, found = np.random.default_rng(0), {}
    for name, slots in {"program": raw, "specific part": specific}.items():
        pairs = [match(slots[i] @ slots[j].T) for i, j in combinations(range(len(slots)), 2)]
        chance = [match(slots[0] @ rng.permutation(other.T)) for other in slots[1:]]
        found[name] = {
            "matched": float(np.mean([matched for matched, _ in pairs])),
            "worst matched slot": float(np.min([matched for matched, _ in pairs])),
            "other slots": float(np.mean([others for _, others in pairs])),
            "matched by chance": float(np.mean([matched for matched, _ in chance])),
            "by slot of the first seed": [matched.tolist() for matched, _ in pairs[: len(slots) - 1]],
            "slots of one model": float(np.mean([off_diagonal(x @ x.T) for x in slots])),
        }
    n_slots, mean_use = use.shape[2], use.mean(1)
    entropy = -(mean_use * np.log(mean_use)).sum(1) / np.log(n_slots)
    dead = (use.max(1) < DEAD / n_slots).sum(1)
    shares = [program[:, shared] / program[:, shared].sum(1, keepdims=True) for program in programs]
    genes = [np.exp(-(share * np.log(share)).sum(1)).mean() for share in shares]
    return found | {
        "entropy of use": entropy.tolist(),
        "least and most used slot": [[float(x.min()), float(x.max())] for x in mean_use],
        "dead slots": dead.tolist(),
        "genes a slot reads (exp of entropy)": [float(x) for x in genes],
    }


def own_part(program: np.ndarray) -> np.ndarray:
    """What a slot reads more, or less, than the slots do on average."""
    log = np.log(program + 1e-9)
    return log - log.mean(0)


def ranks(slots: np.ndarray) -> np.ndarray:
    """Centred ranks over genes of unit length, so that a product is a rank correlation."""
    centred = rankdata(slots, axis=1) - (slots.shape[1] + 1) / 2
    return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def match(correlation: np.ndarray) -> tuple[np.ndarray, float]:
    """Correlation of each slot with its partner, and the mean with the other slots."""
    rows, columns = linear_sum_assignment(-correlation)
    matched = correlation[rows, columns]
    return matched, (correlation.sum() - matched.sum()) / (correlation.size - len(rows))


def off_diagonal(square: np.ndarray) -> float:
    return (square.sum() - np.trace(square)) / (square.size - len(square))


def draw(result: dict, seeds: list[int], path: Path) -> None:
    """Matched correlations and use of the slots."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for axis, name in zip(axes[:2], ("program", "specific part"), strict=True):
        values = np.array(result[name]["by slot of the first seed"])
        image = axis.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
        axis.set(title=f"rank correlation of matched slots:\n{name}", xlabel=f"slot of seed {seeds[0]}", ylabel="seed")
        axis.set_yticks(range(len(values)), seeds[1:])
        for (row, column), value in np.ndenumerate(values):
            axis.text(
                column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color="w" if value < 0.6 else "k"
            )
    figure.colorbar(image, ax=axes[:2])
    use = np.array(result["use"]).mean(1)
    image = axes[2].imshow(use, vmin=0, cmap="magma", aspect="auto")
    axes[2].set(title="use of each slot", xlabel="slot (of each model)", ylabel="seed")
    axes[2].set_yticks(range(len(seeds)), seeds)
    figure.colorbar(image, ax=axes[2])
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
