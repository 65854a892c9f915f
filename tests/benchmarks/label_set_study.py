"""Label sets: how often they hold the true type on new donors and studies, and how many types they name.

    python tests/benchmarks/label_set_study.py --data ../shared/data --out label_set_study.json

Tasks are those of `tasks.py`, each patient of the ovarian tumours against the other three (normal cells), and simulated
donors: 12 types in four families whose members differ by a few genes, so that a quarter or a tenth of the labels are
wrong, counts drawn from the profiles, and each donor multiplies every gene by a log-normal factor. The model is trained
and calibrated as the workflow does it; query cells of types that the reference lacks do not count. Beside the sets of
the bundle: the label alone where no type reaches its limit; one limit for all types; adaptive sets (a type's score is
the probability of all more probable ones; Romano, Sesia and Candes, NeurIPS 2020), with a limit for each type; labels
until their probabilities sum to the coverage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad
import numpy as np
import pandas as pd
import torch
from scipy import sparse
from synthetic_cohort import draw, make_world
from tasks import CHEMISTRIES, LABEL_TASKS, PRESETS, Task, load_task, make_task, read_cells, study_options, train_task

from cellcohort.bundle.held_out import HeldOut
from cellcohort.bundle.members import fit_members, predict_members
from cellcohort.classifier.ensemble import probabilities
from cellcohort.classifier.label_sets import COVERAGES, fit_limits, more_probable, needed_coverage
from cellcohort.model.additive_start import take_held_out_cells
from cellcohort.model.tokens import tokenise

LEVELS = (0.9, 0.95)
PATIENTS = ("P11", "P12", "P13", "P14")
REAL = (
    *LABEL_TASKS,
    "zheng, fine labels",
    *(f"{a} to {b}:none" for a in CHEMISTRIES for b in CHEMISTRIES if a != b),
    *(f"ovarian without {patient}" for patient in PATIENTS),
)
SIMULATED = {  # donors of the reference, deviation between donors, genes by which members of a family differ
    "4 simulated donors": (4, 0.1, 6),
    "12 simulated donors": (12, 0.1, 6),
    "12 simulated donors, far apart": (12, 0.3, 6),
    "12 simulated donors, easy types": (12, 0.1, 12),
}
N_GENES, N_FAMILIES, N_MEMBERS, N_REFERENCE, N_NEW, NEW_CELLS = 4000, 4, 3, 4000, 20, 200


def main() -> None:
    options = study_options(__doc__, tasks={"nargs": "+", "default": (*REAL, *SIMULATED)})
    torch.set_num_threads(1)
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    done = {(row["task"], row["seed"]) for row in rows}
    for seed in options.seeds:
        for name in options.tasks:
            if (name, seed) not in done:
                task, donors = query_of(options.data, name, seed)
                rows += [{"task": name, "seed": seed} | row for row in judged(task, donors, seed)]
                options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
        print(table(rows), flush=True)


def query_of(data: Path, name: str, seed: int) -> tuple[Task, np.ndarray]:
    """A task, and the donors of its query."""
    if name in SIMULATED:
        reference, query = simulate(*SIMULATED[name], seed)
        return make_task(name, reference, query, "none", seed=seed), query.obs["donor"].to_numpy(str)
    if " without " in name:
        cells, patient = read_cells(data / "ovarian_qian2020.h5ad"), name.split()[-1]
        left = (cells.obs["donor"] == patient).to_numpy()
        task = make_task(name, cells[~left], cells[left], "Epithelial", seed=seed)
    else:
        task = load_task(data, name, seed=seed)
    return task, np.full(len(task.truth), "all")


def simulate(n_donors: int, spread: float, n_own: int, seed: int) -> tuple[ad.AnnData, ad.AnnData]:
    """Cells of `n_donors` donors of the reference, and of `N_NEW` new ones."""
    rng = np.random.default_rng(seed)
    symbols = make_world(N_GENES).genes["symbol"].astype(str).to_numpy()
    profiles = np.tile(rng.lognormal(0, 1.5, N_GENES), (N_FAMILIES * N_MEMBERS, 1))
    for family in np.split(profiles, N_FAMILIES):
        family[:, rng.choice(N_GENES, 100, replace=False)] *= rng.uniform(5, 20, 100)
        for profile in family:
            profile[rng.choice(N_GENES, n_own, replace=False)] *= rng.uniform(2, 6, n_own)
    given = ("R", n_donors, N_REFERENCE // n_donors), ("N", N_NEW, NEW_CELLS)
    return tuple(_donors(profiles, symbols, *of, spread, rng) for of in given)


def _donors(
    profiles: np.ndarray,
    symbols: np.ndarray,
    prefix: str,
    n: int,
    n_cells: int,
    spread: float,
    rng: np.random.Generator,
) -> ad.AnnData:
    """Cells of `n` donors, each with its own composition."""
    counts, types = [], []
    for _ in range(n):
        types.append(rng.choice(len(profiles), n_cells, p=rng.dirichlet(np.full(len(profiles), 2.0))))
        counts.append(draw(profiles * rng.lognormal(0, spread, profiles.shape[1]), types[-1], rng))
    names = [f"type {kind:02d}" for kind in np.concatenate(types)]
    donors = np.repeat([f"{prefix}{donor:02d}" for donor in range(n)], n_cells)
    obs = pd.DataFrame({"type": names, "donor": donors}, index=[f"{prefix}{cell}" for cell in range(n * n_cells)])
    return ad.AnnData(sparse.vstack(counts, format="csr"), obs=obs, var=pd.DataFrame(index=symbols))


def judged(task: Task, donors: np.ndarray, seed: int) -> Iterator[dict]:
    """Figures of each method at each level, of all cells and of each donor."""
    with TemporaryDirectory() as folder:
        trained, store = train_task(task, PRESETS["additive"], epochs=30, seed=seed, folder=folder)
        before = deepcopy(trained.model)
        take_held_out_cells(before, trained.linear_models)
        fit = fit_members(before, store, np.array(store.labels, object), seed=seed)
        logits = predict_members(trained.model, fit.profiles, tokenise(task.query))
    known = ~task.unknown
    probability = probabilities(logits, fit.held_out.weights())[known]
    targets = pd.Index(store.labels).get_indexer(task.truth[known])
    for method, needed in sets_of(fit.held_out, probability).items():
        for level in LEVELS:
            inside = needed <= np.float32(level)
            for donor in np.unique(["all", *donors]).tolist():
                cells = np.ones(len(targets), bool) if donor == "all" else donors[known] == donor
                yield {"method": method, "level": level, "donor": donor} | figures(inside[cells], targets[cells])
    yield {"method": "label alone", "level": None, "donor": "all"} | figures(needed_by_rank(probability) == 0, targets)


def sets_of(held_out: HeldOut, probability: np.ndarray) -> dict[str, np.ndarray]:
    """By method the coverage from which on a label is in a cell's set, shape (n, n_labels)."""
    known, targets = held_out.confidence(), held_out.targets
    right = known[np.arange(len(targets)), targets, None]
    together = np.tile(fit_limits(right, np.zeros_like(targets)), (1, probability.shape[1]))
    limits = held_out.limits()
    return {
        "label sets": needed_coverage(probability, limits),
        "the label where none reaches its limit": reached(probability, limits),
        "one limit for all types": needed_coverage(probability, together),
        "adaptive sets": needed_coverage(1 - more_probable(probability), fit_limits(1 - more_probable(known), targets)),
        "until they sum to the coverage": more_probable(probability),
    }


def reached(probability: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """`needed_coverage` of sets that are the label alone where no type reaches its limit."""
    needed = np.array([*COVERAGES, np.inf], np.float32)[(probability[None] < limits[:, None]).sum(0)]
    needed[np.arange(len(probability)), probability.argmax(1)] = COVERAGES[0]
    return needed


def needed_by_rank(probability: np.ndarray) -> np.ndarray:
    """How many labels of the cell are more probable, shape (n, n_labels)."""
    return np.argsort(np.argsort(-probability, axis=1, kind="stable"), axis=1)


def figures(inside: np.ndarray, targets: np.ndarray) -> dict:
    """Of sets (n, n_labels): share that holds the cell's type, mean and least of it over types of 20 cells, sizes."""
    covered = pd.Series(inside[np.arange(len(targets)), targets])
    by_type = covered.groupby(targets).agg(["mean", "size"])
    often = by_type.loc[by_type["size"] >= 20, "mean"]
    sizes = inside.sum(1)
    return {
        "covered": float(covered.mean()),
        "by_type": float(by_type["mean"].mean()),
        "lowest_type": float(often.min()) if len(often) else None,
        "size": float(sizes.mean()),
        "open": float((sizes > 1).mean()),
    }


def table(rows: list[dict]) -> str:
    """Means over seeds by task and method; of simulated donors with the range over donors."""
    frame = pd.DataFrame(rows)
    whole = frame[frame["donor"] == "all"].assign(level=frame["level"].fillna(0))
    columns = ["covered", "by_type", "lowest_type", "size", "open"]
    shown = whole.groupby(["level", "task", "method"], sort=False)[columns].mean()
    donors = frame[frame["donor"] != "all"]
    spread = donors.groupby(["level", "task", "method"], sort=False)["covered"].agg(["mean", "min", "max"])
    means = whole.assign(kind=np.where(whole["task"].isin(SIMULATED), "simulated", "real"))
    total = means.groupby(["level", "kind", "method"], sort=False)[["covered", "by_type", "size", "open"]].mean()
    return "\n\n".join(part.round(3).to_string() for part in (shown, spread, total))


if __name__ == "__main__":
    main()
