"""The tasks on which quality is measured: a labelled reference and cells of donors, studies or types that it lacks.

Ovarian tumours (normal cells of two patients to all cells of the other two), sorted and unsorted
PBMC of two studies, single donors split at random. A task `name:type` leaves the type out of the reference.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from cellcohort.genes.alignment import align_genes
from cellcohort.genes.vocabulary import select_vocabulary
from cellcohort.inputs.counts import Counts, open_counts
from cellcohort.inputs.resources import gene_aliases, gene_positions, genome_of, mouse_orthologs
from cellcohort.model.presets import PRESETS, Config
from cellcohort.model.token_store import TokenStore, write_store
from cellcohort.model.tokens import tokenise
from cellcohort.model.training import TrainConfig, Trained, train
from cellcohort.reference.splits import assign_splits

LABEL_TASKS = ("ovarian", "ovarian back", "zheng to pbmc4k", "pbmc4k to zheng", "pancreas")
OOD_TASKS = (
    "ovarian:Epithelial",
    "ovarian back:Epithelial",
    *(f"{task}:{kind}" for task in ("zheng to pbmc4k", "pbmc4k to zheng") for kind in ("MNP", "NK", "B")),
    *(f"pancreas:{kind}" for kind in ("ductal", "endothelial", "gamma", "acinar")),
)
CHEMISTRIES = ("3pv1", "3pv2", "5p")
STATE = "control to stimulated"
SHIFTED_TASKS = (  # the same types on another platform, or in another state
    *(f"{a} to {b}:{kind}" for a in CHEMISTRIES for b in CHEMISTRIES if a != b for kind in ("none", "B", "Mono", "NK")),
    *(f"{STATE}:{kind}" for kind in ("none", "B", "Mono")),
)
OTHER_STUDY = ("zheng to pbmc4k", "pbmc4k to zheng")
COARSE = {
    "thelper": "T_CD4",
    "memoryt": "T_CD4",
    "naivet": "T_CD4",
    "regulatoryt": "T_CD4",
    "cytotoxict": "T_CD8",
    "naivecytotoxic": "T_CD8",
    "nk": "NK",
    "bcells": "B",
    "monocytes": "MNP",
}
SHIFTED_TYPES = {
    "Mono_CD14": "Mono",
    "Mono_CD16": "Mono",
    "CD14+ Monocytes": "Mono",
    "FCGR3A+ Monocytes": "Mono",
    "B cells": "B",
    "CD4 T cells": "T_CD4",
    "CD8 T cells": "T_CD8",
    **{name: name for name in ("B", "NK", "T_CD4", "T_CD8", "DC")},
}
HELD_OUT_TASKS = {  # one donor, split at random: file, names of the types
    "pancreas": ("pancreas_baron2016_human1", None),
    "zheng": ("pbmc_zheng2017_sorted", COARSE),
    "zheng, fine labels": ("pbmc_zheng2017_sorted", None),
}
N_GENES, MIN_CELLS = 2000, 13
SMALL = PRESETS["small"]


@dataclass(frozen=True)
class Task:
    """A reference and a query on the reference's vocabulary.

    Attributes
    ----------
    reference, query
        Counts (cells x vocabulary), CSR; genes that the query lacks are 0.
    symbols
        Of the vocabulary's genes.
    labels, truth
        Types of either's cells.
    donors
        Of the reference's cells; None when there is but one.
    ids
        Of the reference's cells.
    unknown
        Whether the reference lacks the query cell's type.
    measured
        Whether the query's file has the gene, for each gene of the vocabulary.
    """

    name: str
    reference: sp.csr_matrix
    query: sp.csr_matrix
    symbols: np.ndarray
    labels: np.ndarray
    truth: np.ndarray
    donors: np.ndarray | None
    ids: np.ndarray
    unknown: np.ndarray
    measured: np.ndarray

    def cells(self, seed: int) -> pd.DataFrame:
        """The reference's cells, split, as a token store takes them."""
        splits = assign_splits(self.ids, self.labels, self.donors, seed=seed)
        columns = {"cell_id": self.ids, "label": self.labels, "donor": self.donors, "split": splits, "coarse": None}
        return pd.DataFrame(columns)


def study_options(doc: str, seeds: tuple[int, ...] = (1, 2, 3), **more) -> argparse.Namespace:
    """The command line of a study: data, out, seeds, and `more` options with their arguments to `add_argument`."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--seeds", type=int, nargs="+", default=seeds)
    for name, arguments in more.items():
        parser.add_argument(f"--{name}", **arguments)
    warnings.filterwarnings("ignore")
    return parser.parse_args()


def train_task(
    task: Task, preset: Callable[..., Config], *, epochs: int, seed: int, folder: str
) -> tuple[Trained, TokenStore]:
    """A network of a preset, trained on the task's reference as the workflow trains it, and the token store."""
    write_store(f"{folder}/tokens.arrow", [(tokenise(task.reference), task.cells(seed))])
    store = TokenStore(f"{folder}/tokens.arrow")
    config = preset(n_genes=task.reference.shape[1], n_labels=len(store.labels))
    given = {"device": torch.device("cpu"), "checkpoint": f"{folder}/checkpoint.safetensors"}
    with contextlib.redirect_stderr(io.StringIO()):
        return train(store, config, TrainConfig(epochs=epochs, seed=seed), **given), store


def load_task(data: Path, name: str, *, seed: int) -> Task:
    """The task `name`; each seed draws its own nine tenths of the reference (and another split of the pancreas)."""
    base, _, left_out = name.partition(":")
    reference, query = split_cells(data, base, seed)
    return make_task(name, reference, query, left_out or "Epithelial", seed=seed)


def make_task(
    name: str,
    reference: ad.AnnData,
    query: ad.AnnData,
    left_out: str,
    *,
    seed: int,
    species: tuple[str, str] = ("human", "human"),
    extra_genes: tuple[str, ...] = (),
    share: float = 0.9,
) -> Task:
    """A share of the reference without a type, and the query on its vocabulary; obs has `type` and `donor`.

    `species` are those of the reference and of the query; `extra_genes` join the vocabulary.
    """
    kept = np.random.default_rng(seed).random(reference.n_obs) < share
    reference = reference[kept & (reference.obs["type"] != left_out).to_numpy()]
    with TemporaryDirectory() as folder:
        ours, theirs = (_counts(cells, Path(folder) / f"{i}.h5ad") for i, cells in enumerate((reference, query)))
        donors = reference.obs["donor"].to_numpy(object)
        donors = donors if len(np.unique(donors)) > 1 else None
        aliases, rows = gene_aliases(), np.arange(ours.n_cells)
        positions = gene_positions(genome_of(ours.genes))
        given = {"n_genes": N_GENES, "extra_genes": extra_genes, "positions": positions, "aliases": aliases}
        vocabulary, orthologs = select_vocabulary(ours, rows, donors, **given), mouse_orthologs()
        alignments = [
            align_genes(x.genes, vocabulary, aliases, species=of, orthologs=orthologs)
            for x, of in zip((ours, theirs), species, strict=True)
        ]
        matrices = [laid.project(x.read()) for laid, x in zip(alignments, (ours, theirs), strict=True)]
    labels, truth = (cells.obs["type"].to_numpy(object) for cells in (reference, query))
    ids = reference.obs_names.to_numpy(object)
    symbols, unknown = vocabulary["symbol"].to_numpy(object), ~np.isin(truth, labels)
    measured = np.isin(np.arange(len(symbols)), alignments[1].measured)
    return Task(name, *matrices, symbols, labels, truth, donors, ids, unknown, measured)


def _counts(cells: ad.AnnData, path: Path) -> Counts:
    cells.copy().write_h5ad(path)
    return open_counts(path)


def split_cells(data: Path, base: str, seed: int) -> tuple[ad.AnnData, ad.AnnData]:
    """Reference and query of a task."""
    if base.startswith("ovarian"):
        cells = read_cells(data / "ovarian_qian2020.h5ad")
        first = cells.obs["donor"].isin(["P11", "P12"]).to_numpy() ^ (base == "ovarian back")
        return cells[first], cells[~first]
    if base in HELD_OUT_TASKS:
        file, names = HELD_OUT_TASKS[base]
        cells = read_cells(data / f"{file}.h5ad", names)
        enough = cells.obs["type"].map(cells.obs["type"].value_counts()).to_numpy(int) >= MIN_CELLS
        first = np.random.default_rng(seed).random(cells.n_obs) < 0.6
        return cells[first & enough], cells[~first & enough]
    if base == STATE or base.split(" to ")[0] in CHEMISTRIES:
        return _shifted(data, base)
    sorted_cells = read_cells(data / "pbmc_zheng2017_sorted.h5ad", COARSE)
    cells = read_cells(data / "pbmc4k_soupx.h5ad")
    pair = sorted_cells, cells[cells.obs["type"] != "unknown"]
    return pair if base == "zheng to pbmc4k" else pair[::-1]


def _shifted(data: Path, base: str) -> tuple[ad.AnnData, ad.AnnData]:
    """Reference and query of a task of `SHIFTED_TASKS`."""
    file, column = ("pbmc_kang2018_ifnb", "condition") if base == STATE else ("pbmc_3_chemistries_10x", "donor")
    given = ad.read_h5ad(data / f"{file}.h5ad").obs[column].astype(str).to_numpy()
    cells = read_cells(data / f"{file}.h5ad", SHIFTED_TYPES)
    names = {"control": "ctrl", "stimulated": "stim"}
    first, second = (names.get(name, name) for name in base.split(" to "))
    known = cells.obs["type"].isin(SHIFTED_TYPES.values()).to_numpy()
    return cells[known & (given == first)], cells[known & (given == second)]


def read_cells(path: Path, names: dict[str, str] | None = None) -> ad.AnnData:
    """A data set whose obs has `type` (its cell_type, renamed by `names`) and `donor`."""
    cells = ad.read_h5ad(path)
    kinds = cells.obs["cell_type"].astype(str)
    cells.obs = cells.obs.assign(type=kinds.map(names) if names else kinds)[["type", "donor"]].astype(str)
    return cells
