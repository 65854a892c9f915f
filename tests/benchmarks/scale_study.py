"""Large references with 300 types: seconds an epoch, memory and labels, beside logistic regression and a plain MLP.

    python tests/benchmarks/scale_study.py --data ../shared/data --out scale_study.json --sizes sim300 50000x12000

`sim300` are the simulated cells of 300 human types as they are (15,001 x 6,000), with their query of another study.
CELLSxGENES is drawn anew from the same types' means: as many cells in the same proportions, of 8 donors with gene
effects of their own; genes beyond those of the file have the means of others, drawn at random. Its query is another
study, with stronger gene effects. The steps of the workflow (vocabulary, tokens, training for `--epochs` epochs without
early stopping, calibration) run in a process of their own, and so does each peer, on the log-normalised genes of the
same vocabulary. Memory is the peak of the process. The MLP has one hidden layer of 256, dropout of .1, batches of 128
and ten epochs of Adam; logistic regression is scikit-learn's, at most 100 iterations.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from label_study import log_normalised
from model_memory import status
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from torch import nn
from torch.nn import functional as F

from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.members import predict_members
from cellcohort.classifier.ensemble import MEMBERS, probabilities
from cellcohort.genes.alignment import align_genes
from cellcohort.genes.vocabulary import select_vocabulary
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_aliases, gene_positions
from cellcohort.model import training
from cellcohort.model.presets import PRESETS
from cellcohort.model.token_store import TokenStore, tokenise_reference, write_store
from cellcohort.model.tokens import tokenise
from cellcohort.outputs.h5ad import growing_h5ad
from cellcohort.reference.cells import labelled_cells
from cellcohort.reference.splits import assign_splits

N_GENES, N_DONORS, N_QUERY, CHUNK = 2000, 8, 5000, 4096
DONOR_EFFECT, STUDY_EFFECT = 0.3, 0.5  # standard deviations, natural logarithm
METHODS = ("ours", "logistic regression", "MLP")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="JSON file; runs that it holds are not repeated")
    parser.add_argument("--sizes", nargs="+", default=["sim300", "50000x12000"])
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--run", nargs=2, metavar=("FOLDER", "METHOD"), help="for the inner processes")
    options = parser.parse_args()
    if options.run:
        torch.set_num_threads(options.threads)
        folder, method = options.run
        print(json.dumps(run(Path(folder), method, options.epochs)))
        return
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    done = {(row["size"], row["method"]) for row in rows}
    for size in options.sizes:
        with TemporaryDirectory(dir=options.out.parent) as folder:
            for method in [method for method in METHODS if method in {*options.methods, "ours"}]:
                if method == "ours" or (size, method) not in done:  # the peers read the genes that ours chose
                    rows = [row for row in rows if (row["size"], row["method"]) != (size, method)]
                    make_data(options.data, size, Path(folder))
                    rows.append({"size": size, "method": method} | run_apart(folder, method, options))
                    options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
                    print(json.dumps(rows[-1], indent=1), flush=True)


def run_apart(folder: str, method: str, options: argparse.Namespace) -> dict:
    """`run` in a process of its own."""
    command = [sys.executable, __file__, "--data", str(options.data), "--out", os.devnull, "--run", folder, method]
    command += ["--epochs", str(options.epochs), "--threads", str(options.threads)]
    threads = {"OMP_NUM_THREADS": str(options.threads)}
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | threads)
    return json.loads(found.stdout.splitlines()[-1])


def make_data(data: Path, size: str, folder: Path) -> None:
    """reference.h5ad and query.h5ad of a size, unless they are there."""
    if (folder / "query.h5ad").exists():
        return
    files = {part: data / f"sim300_human_{part}.h5ad" for part in ("reference", "query_other_study")}
    if size == "sim300":
        for name, file in zip(("reference", "query"), files.values(), strict=True):
            (folder / f"{name}.h5ad").symlink_to(file.resolve())
        return
    n_cells, n_genes = map(int, size.split("x"))
    types = ad.read_h5ad(files["reference"])
    rng = np.random.default_rng(0)
    means, genes = wider_means(types, n_genes, rng)
    depths, shares = np.asarray(types.X.sum(1)).ravel(), types.obs["cell_type"].value_counts(normalize=True)
    shares = shares[means.index].to_numpy()
    for name, n, effect in (("reference", n_cells, 0.0), ("query", N_QUERY, STUDY_EFFECT)):
        drawn = drawn_cells(means, shares, depths, n, effect, rng)
        obs = pd.DataFrame(
            {"cell_type": np.empty(0, object), "donor": np.empty(0, object)}, index=pd.Index([], name="cell")
        )
        with growing_h5ad(folder / f"{name}.h5ad", obs=obs, var=pd.DataFrame(index=genes), obsm={}) as file:
            for matrix, cells in drawn:
                file.append_rows(matrix)
                file.append_obs(cells)


def wider_means(types: ad.AnnData, n_genes: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.Index]:
    """Shares of `n_genes` genes in each type's counts (types x genes), and the genes' names."""
    codes, names = pd.factorize(types.obs["cell_type"].astype(str), sort=True)
    members = sp.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    sums = (members @ types.X).toarray()
    sums += types.X.mean(0).A1  # a cell of average expression beside each type's own
    more = rng.choice(types.n_vars, max(n_genes - types.n_vars, 0))
    chosen = np.concatenate([np.arange(min(types.n_vars, n_genes)), more])
    genes = types.var_names[chosen[: types.n_vars]].append(pd.Index([f"EXTRA{i}" for i in range(len(more))]))
    shares = sums[:, chosen]
    return pd.DataFrame(shares / shares.sum(1, keepdims=True), index=names), genes


def drawn_cells(
    means: pd.DataFrame, shares: np.ndarray, depths: np.ndarray, n: int, study: float, rng: np.random.Generator
) -> Iterator[tuple[sp.csr_matrix, pd.DataFrame]]:
    """Chunks of counts (Poisson) and of obs; gene effects of the study and of its donors."""
    common = np.exp(rng.normal(0, study, means.shape[1]))
    effects = common * np.exp(rng.normal(0, DONOR_EFFECT, (N_DONORS, means.shape[1])))
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        types, donors = rng.choice(len(means), size, p=shares), rng.integers(N_DONORS, size=size)
        rates = (means.to_numpy()[types] * effects[donors]).astype(np.float32)
        rates *= (rng.choice(depths, size) / rates.sum(1))[:, None]
        matrix = sp.csr_matrix(rng.poisson(rates).astype(np.float32))
        index = pd.Index([f"cell{i}" for i in range(start, start + size)], name="cell")
        donor = np.array([f"d{i}" for i in donors], object)
        yield matrix, pd.DataFrame({"cell_type": means.index.to_numpy(object)[types], "donor": donor}, index=index)


def run(folder: Path, method: str, epochs: int) -> dict:
    """Figures of a method on the data in `folder`."""
    if method == "ours":
        found = ours(folder, epochs)
    else:
        x, labels = matrix_of(folder, "reference")
        query, truth = matrix_of(folder, "query")
        empty = status("VmRSS")
        answers, seconds, name = (logistic if method == "logistic regression" else mlp)(x, labels, query)
        found = {"seconds": {name: seconds}, "macro_f1": {"whole": macro_f1(truth, answers)}}
        found["data_mib"] = round(empty)
    return found | {"peak_mib": round(status("VmHWM"))}


class Clock:
    """Seconds of wall and CPU time by step, and the peak of memory when it ended."""

    def __init__(self) -> None:
        self.steps: dict[str, list[dict[str, float]]] = {}

    def timed(self, name: str, work: Callable) -> Callable:
        def wrapped(*args, **kwargs):
            wall, cpu = time.perf_counter(), time.process_time()
            result = work(*args, **kwargs)
            took = {"wall_s": round(time.perf_counter() - wall, 1), "cpu_s": round(time.process_time() - cpu, 1)}
            self.steps.setdefault(name, []).append(took | {"peak_mib": round(status("VmHWM"))})
            print(name, self.steps[name][-1], file=sys.stderr, flush=True)
            return result

        return wrapped


def ours(folder: Path, epochs: int) -> dict:
    """The steps of the workflow, and the labels of the query."""
    clock = Clock()
    counts = open_counts(folder / "reference.h5ad")
    rows, labels, donors = labelled_cells(counts, label="cell_type", donor="donor")
    aliases = gene_aliases()
    given = {"n_genes": N_GENES, "positions": gene_positions(), "aliases": aliases}
    vocabulary = clock.timed("vocabulary", select_vocabulary)(counts, rows, donors, **given)
    vocabulary.to_pickle(folder / "vocabulary.pkl")
    splits = assign_splits(counts.cell_ids[rows], labels, donors, seed=1)
    shards = tokenise_reference(
        counts, rows, labels, donors, splits, None, align_genes(counts.genes, vocabulary, aliases)
    )
    clock.timed("tokens", write_store)(folder / "tokens.arrow", shards)
    store = TokenStore(folder / "tokens.arrow")
    trained = train(store, clock, folder, epochs)
    fit = clock.timed("calibration", calibrate)(trained.model, store, trained.linear_models, seed=1)
    query, truth = matrix_of(folder, "query", counts_alone=True)
    tokens, names = tokenise(query), np.array(store.labels, object)
    member_logits = clock.timed("query", predict_members)(trained.model, fit.profiles, tokens)
    whole = probabilities(member_logits, fit.calibration["mix"])
    f1 = {"whole": macro_f1(truth, names[whole.argmax(1)])}
    f1 |= {name: macro_f1(truth, names[logits.argmax(1)]) for name, logits in zip(MEMBERS, member_logits, strict=True)}
    sizes = {"n_training": int((splits == "train").sum()), "tokens_a_cell": float(store.cells["n_tokens"].mean())}
    history = trained.history[["validation_loss", "validation_macro_f1"]].round(4).to_dict("list")
    return sizes | {"seconds": clock.steps, "macro_f1": f1, "history": history}


def train(store: TokenStore, clock: Clock, folder: Path, epochs: int) -> training.Trained:
    """Train for as many epochs, whatever they bring."""
    config = PRESETS["additive"](n_genes=N_GENES, n_labels=len(store.labels))
    given = {"device": torch.device("cpu"), "checkpoint": folder / "checkpoint.safetensors"}
    steps = {
        "set_start": "start",
        "_train_epoch": "epoch",
        "_validate": "validation",
        "give_held_out_cells": "all cells",
    }
    patches = [
        mock.patch.object(training, key, clock.timed(name, getattr(training, key))) for key, name in steps.items()
    ]
    for patch in patches:
        patch.start()
    trained = training.train(store, config, training.TrainConfig(epochs=epochs, patience=epochs), **given)
    for patch in patches:
        patch.stop()
    return trained


def matrix_of(folder: Path, part: str, *, counts_alone: bool = False) -> tuple[sp.csr_matrix, np.ndarray]:
    """The cells of a file on the vocabulary, log-normalised unless `counts_alone`, and their types."""
    counts = open_counts(folder / f"{part}.h5ad")
    alignment = align_genes(counts.genes, pd.read_pickle(folder / "vocabulary.pkl"), gene_aliases())
    rows, types, _ = labelled_cells(counts, label="cell_type", donor=None)
    matrix = sp.vstack([alignment.project(part) for _, part in counts.chunks(rows, CHUNK)], format="csr")
    return matrix if counts_alone else log_normalised(matrix).astype(np.float32), types


def logistic(x: sp.csr_matrix, labels: np.ndarray, query: sp.csr_matrix) -> tuple[np.ndarray, dict, str]:
    clock = Clock()
    model = clock.timed("fit", LogisticRegression(max_iter=100).fit)(x, labels.astype(str))
    return model.predict(query), clock.steps["fit"][0] | {"iterations": int(model.n_iter_[0])}, "fit"


def mlp(
    x: sp.csr_matrix, labels: np.ndarray, query: sp.csr_matrix, epochs: int = 10, batch: int = 128
) -> tuple[np.ndarray, dict, str]:
    torch.manual_seed(1)
    names, targets = np.unique(labels.astype(str), return_inverse=True)
    model = nn.Sequential(nn.Linear(x.shape[1], 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, len(names)))
    optimizer, rng, clock = torch.optim.Adam(model.parameters(), lr=1e-3), np.random.default_rng(1), Clock()

    def epoch() -> None:
        order = rng.permutation(x.shape[0])
        for rows in np.array_split(order, -(-len(order) // batch)):
            loss = F.cross_entropy(model(torch.from_numpy(x[rows].toarray())), torch.from_numpy(targets[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    for _ in range(epochs):
        clock.timed("epoch", epoch)()
    model.eval()
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(query[i : i + CHUNK].toarray())).argmax(1) for i in range(0, query.shape[0], CHUNK)
        ]
    steps = pd.DataFrame(clock.steps["epoch"])
    return names[np.concatenate(parts)], steps.median().to_dict() | {"epochs": epochs}, "epoch"


def macro_f1(truth: np.ndarray, answers: np.ndarray) -> float:
    """Over the types that the query has."""
    truth, answers = truth.astype(str), answers.astype(str)
    return round(f1_score(truth, answers, average="macro", labels=np.unique(truth), zero_division=0), 4)


if __name__ == "__main__":
    main()
