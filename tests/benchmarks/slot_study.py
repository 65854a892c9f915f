"""Slots: do other seeds find the same programs, and does CLS use every slot?

    python tests/benchmarks/slot_study.py --data ../shared/data --out slot_study.json --figure slots.png

One reference (pancreas, held-out cells; its first seed's split), preset `small`, trained with each seed. A slot's
program is the mean of what it reads over held-out cells, types weighted equally; its specific part is the logarithm
less the mean of the slots'. The slots of two models are matched one to one for the highest sum of correlations
(Hungarian); as chance, those of a model whose genes are shuffled are matched. Use is the share that CLS takes of a
slot; a slot is dead if no type takes a tenth of an equal share.
"""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from tasks import Task, load_task, study_options, train_task

from cellcohort.model.inference import run_batches
from cellcohort.model.network import CellMemory
from cellcohort.model.presets import PRESETS
from cellcohort.model.tokens import tokenise

mpl.use("Agg")
from matplotlib import pyplot as plt

DEAD = 0.1  # of an equal share


def main() -> None:
    options = study_options(
        __doc__,
        (1, 2, 3, 4, 5),
        task={"default": "pancreas"},
        preset={"default": "small", "choices": list(PRESETS)},
        epochs={"type": int, "default": 30},
        figure={"type": Path, "default": None, "help": "PNG or SVG file"},
    )
    torch.set_num_threads(1)
    task = load_task(options.data, options.task, seed=options.seeds[0])
    programs, use = [], []
    for seed in options.seeds:
        with TemporaryDirectory() as folder:
            model, _ = train_task(task, PRESETS[options.preset], epochs=options.epochs, seed=seed, folder=folder)
        program, of_types = read_slots(task, model)
        programs.append(program)
        use.append(of_types)
    result = compare(programs, np.array(use)) | {"use": np.array(use).tolist(), "types": np.unique(task.truth).tolist()}
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k not in ("use", "types")}, indent=2))
    if options.figure:
        draw(result, options.seeds, options.figure)


def read_slots(task: Task, model: CellMemory) -> tuple[np.ndarray, np.ndarray]:
    """Programs (slots, genes) of genes that held-out cells have, NaN elsewhere; use (types, slots)."""
    tokens, config = tokenise(task.query), model.config
    types, codes = np.unique(task.truth.astype(str), return_inverse=True)
    weight = 1 / np.bincount(codes)[codes] / len(types)
    programs, use = np.zeros((config.n_genes, config.n_slots)), np.zeros((len(types), config.n_slots))
    for rows, batch, output in run_batches(model, tokens, attention=True):
        inside = np.arange(output.read.shape[2] - 1) < batch.lengths[:, None]
        read = output.read[:, :, 1:].transpose(1, 2).numpy()[inside] * np.repeat(weight[rows], batch.lengths)[:, None]
        np.add.at(programs, batch.genes, read)
        np.add.at(use, codes[rows], output.received.numpy())
    programs[programs.sum(1) == 0] = np.nan
    return programs.T, use / np.bincount(codes)[:, None]


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
    axes[2].set(title="share that CLS takes of each slot", xlabel="slot (of each model)", ylabel="seed")
    axes[2].set_yticks(range(len(seeds)), seeds)
    figure.colorbar(image, ax=axes[2])
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
