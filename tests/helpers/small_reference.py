"""A reference of three made-up types that a model learns in seconds: token store, bundle and samples."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch
from scipy import sparse

from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.manifest import write_manifest
from cellcohort.bundle.model_bundle import save_model
from cellcohort.model.additive import AdditiveConfig
from cellcohort.model.network import ModelConfig
from cellcohort.model.presets import Config
from cellcohort.model.token_store import TokenStore, write_store
from cellcohort.model.tokens import tokenise
from cellcohort.model.training import TrainConfig, train
from cellcohort.outputs import schemas
from cellcohort.outputs.parquet import write_table
from cellcohort.positional.healthy_types import HealthyTypes
from cellcohort.positional.null_distribution import NullDistribution
from cellcohort.reference.splits import assign_splits

N_GENES = 40
LABELS = ["alpha", "beta", "delta"]


def counts_of(labels: np.ndarray, *, seed: int) -> sparse.csr_matrix:
    """Counts (cells, N_GENES) in which each type has ten genes of its own; an unknown type has the last ten."""
    rng = np.random.default_rng(seed)
    rate = np.full((len(labels), N_GENES), 0.4)
    for cell, label in enumerate(labels):
        first = 10 * (LABELS.index(label) if label in LABELS else 3)
        rate[cell, first : first + 10] = 4
    return sparse.csr_matrix(rng.poisson(rate).astype(np.float32))


def make_store(path: Path, *, n_cells: int = 300, seed: int = 0) -> TokenStore:
    """Write and open the tokens of `n_cells` cells of three donors."""
    labels = np.resize(np.array(LABELS, object), n_cells)
    donors = np.resize(np.array(["D1", "D2", "D3", "D1"], object), n_cells)
    ids = np.array([f"cell{i:04d}" for i in range(n_cells)], object)
    split = assign_splits(ids, labels, donors, seed=seed)
    cells = pd.DataFrame({"cell_id": ids, "label": labels, "donor": donors, "split": split, "coarse": None})
    write_store(path, [(tokenise(counts_of(labels, seed=seed)), cells)])
    return TokenStore(path)


def make_vocabulary() -> pd.DataFrame:
    """The genes of `counts_of` as a vocabulary (schemas.VOCABULARY)."""
    return pd.DataFrame(
        {
            "token_id": np.arange(N_GENES, dtype=np.int32),
            "gene_id": None,
            "symbol": [f"GENE{i}" for i in range(N_GENES)],
            "chromosome": "chr1",
            "start": np.arange(N_GENES) * 1000,
            "end": np.arange(N_GENES) * 1000 + 500,
        }
    )


def make_healthy_types() -> HealthyTypes:
    """The three types over all genes: too few to show a block."""
    sums = np.stack([counts_of(np.array([label] * 50), seed=1).sum(0).A1 for label in LABELS])
    return HealthyTypes(LABELS, make_vocabulary()["symbol"].tolist(), sums, NullDistribution())


TRANSFORMER = ModelConfig(N_GENES, 3, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=2)
ADDITIVE = AdditiveConfig(N_GENES, 3, d_model=32, n_slots=4)


def make_bundle(folder: Path, sizes: Config = TRANSFORMER) -> Path:
    """Train and calibrate a small model and write its bundle, as the scripts of the model's rules do."""
    store = make_store(folder / "tokens.arrow", n_cells=600)
    config = TrainConfig(epochs=12, batch_size=32, learning_rate=3e-3)
    checkpoint = folder / "checkpoint.safetensors"
    trained = train(store, sizes, config, device=torch.device("cpu"), checkpoint=checkpoint)
    bundle = folder / "model"
    bundle.mkdir()
    save_model(trained.model, weights=bundle / "weights.safetensors", config=bundle / "config.json", settings={})
    calibrate(trained.model, store, trained.linear_models, seed=1).write_into(bundle)
    write_table(bundle / "history.parquet", trained.history, schemas.HISTORY)
    write_table(bundle / "vocabulary.parquet", make_vocabulary(), schemas.VOCABULARY)
    make_healthy_types().write(bundle / "healthy_types.parquet", bundle / "positional.json")
    write_manifest(bundle)
    return bundle


def write_sample(path: Path, labels: np.ndarray, *, seed: int = 5) -> Path:
    """A sample of cells of the given types as .h5ad, with two genes that no vocabulary holds."""
    counts = sparse.hstack([counts_of(labels, seed=seed), sparse.csr_matrix(np.ones((len(labels), 2)))], format="csr")
    genes = [f"GENE{i}" for i in range(N_GENES)] + ["OTHER1", "OTHER2"]
    obs = pd.DataFrame({"truth": labels.astype(str)}, index=[f"s{i:03d}" for i in range(len(labels))])
    ad.AnnData(counts.astype(np.float32), obs=obs, var=pd.DataFrame(index=genes)).write_h5ad(path)
    return path
