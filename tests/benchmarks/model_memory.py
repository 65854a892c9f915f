"""Peak memory at a million cells: token shards and 200 training steps; annotation of one sample.

    python tests/benchmarks/model_memory.py --out benchmarks.json

A synthetic reference and a synthetic sample of 1,000,000 cells x 2,000 genes, 200 of them expressed. Training uses the
`paper` preset; what is reported is the peak over the process that has only imported the library. Annotation uses a
narrow model and reports the whole process. Each runs in a process of its own and keeps its files (about 2.5 GB) in a
temporary folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from scipy import sparse

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from cellcohort.annotation.annotate import annotate
from cellcohort.annotation.explanation import Explanation
from cellcohort.bundle.calibrate import calibrate
from cellcohort.bundle.manifest import write_manifest
from cellcohort.bundle.model_bundle import Bundle, save_model
from cellcohort.genes.alignment import align_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_aliases
from cellcohort.model import training
from cellcohort.model.network import ModelConfig
from cellcohort.model.presets import Config, make_network
from cellcohort.model.token_store import TokenStore, write_store
from cellcohort.model.tokens import tokenise
from cellcohort.outputs.parquet import empty, table_writer, write_table
from cellcohort.outputs.schemas import HISTORY, SCORES, VOCABULARY, embedding_schema
from cellcohort.positional.healthy_types import HealthyTypes
from cellcohort.positional.null_distribution import NullDistribution

N_GENES, N_EXPRESSED, N_LABELS, CHUNK, STEPS = 2000, 200, 10, 8192, 200
NARROW = partial(ModelConfig, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=2, broadcast="cls")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file; what it holds of other programs is kept")
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--part", choices=["train", "annotate"], help="for the inner processes")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.part:
        figures = (measure_training if options.part == "train" else measure_annotation)(options.folder, options.cells)
        print(json.dumps(figures))
        return
    figures = {}
    for part in ("train", "annotate"):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--out", os.devnull, "--cells", str(options.cells)]
            command += ["--part", part, "--folder", folder]
            figures |= json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    kept = json.loads(options.out.read_text()) if options.out.exists() else {}
    options.out.write_text(json.dumps(kept | figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


class Enough(Exception):  # noqa: N818 (no error)
    """Raised after the last step that is measured."""


def measure_training(folder: Path, n_cells: int) -> dict:
    """Write the shards of a reference and train for `STEPS` steps, from the start of `training.train`."""
    empty_process = status("VmRSS")
    labels = np.array([f"type {i}" for i in range(N_LABELS)], object)
    start = time.perf_counter()
    write_store(folder / "tokens.arrow", reference_shards(n_cells, labels))
    shards = time.perf_counter() - start
    store = TokenStore(folder / "tokens.arrow")
    step, losses = training.training_step, []

    def counted(*arguments):
        if len(losses) == STEPS:
            raise Enough
        losses.append(step(*arguments))
        return losses[-1]

    training.training_step = counted
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config, checkpoint = ModelConfig(N_GENES, N_LABELS), folder / "checkpoint.safetensors"
    with contextlib.suppress(Enough):
        training.train(store, config, training.TrainConfig(), device=device, checkpoint=checkpoint)
    return {
        "train_peak_mib_1m_cells": round(status("VmHWM") - empty_process),
        "train_steps": len(losses),
        "write_shards_cells_per_s": round(n_cells / shards),
    }


def reference_shards(n_cells: int, labels: np.ndarray) -> Iterator:
    for start, counts in chunks(n_cells, seed=0):
        number = np.arange(start, start + counts.shape[0])
        donor = number // N_LABELS % 20
        cells = pd.DataFrame({
            "cell_id": [f"cell{i:08d}" for i in number], "label": labels[number % N_LABELS],
            "donor": [f"donor {i}" for i in donor],
            "split": np.where(donor % 5 == 0, "validation", "train"),
            "coarse": None,
        })  # fmt: skip
        yield tokenise(counts), cells


def chunks(n_cells: int, *, seed: int) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Random counts whose expressed genes lean towards a tenth of the genes that depends on the cell's number."""
    rng = np.random.default_rng(seed)
    for start in range(0, n_cells, CHUNK):
        n = min(CHUNK, n_cells - start)
        weight = rng.random((n, N_GENES), np.float32)
        own = np.arange(N_GENES) // (N_GENES // N_LABELS) == (np.arange(start, start + n) % N_LABELS)[:, None]
        weight[own] *= 0.7
        columns = np.sort(np.argpartition(weight, N_EXPRESSED, 1)[:, :N_EXPRESSED], 1)
        values = rng.integers(1, 20, columns.size).astype(np.float32)
        indptr = np.arange(n + 1) * N_EXPRESSED
        yield start, sparse.csr_matrix((values, columns.ravel(), indptr), shape=(n, N_GENES))


def measure_annotation(folder: Path, n_cells: int) -> dict:
    """Annotate one sample with a narrow model whose weights are random."""
    write_sample(folder / "sample.h5ad", n_cells)
    bundle = make_bundle(folder)
    counts = open_counts(folder / "sample.h5ad")
    explanation = Explanation(N_LABELS, N_GENES, bundle.model.config.n_slots)
    alignment = align_genes(counts.genes, bundle.vocabulary, gene_aliases())
    start = time.perf_counter()
    with table_writer(folder / "embedding.parquet", embedding_schema(bundle.model.config.d_model)) as keep_embedding:
        given = {"sample_id": "s", "patient_id": "p", "shift": "auto", "keep_embedding": keep_embedding}
        given["barred"] = np.zeros(n_cells, bool)
        scores = annotate(counts, np.arange(n_cells), alignment, bundle, explanation, **given).table
    write_table(folder / "scores.parquet", scores, SCORES)
    speed = n_cells / (time.perf_counter() - start)
    return {"annotate_peak_mib_1m_cells": round(status("VmHWM")), "annotate_cells_per_s_narrow": round(speed)}


def write_sample(path: Path, n_cells: int) -> None:
    """An .h5ad of CSR counts, written chunk by chunk."""
    n_values = n_cells * N_EXPRESSED
    stored = (min(CHUNK * N_EXPRESSED, n_values),)
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        matrix = file.create_group("X")
        matrix.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": (n_cells, N_GENES)})
        matrix["indptr"] = np.arange(n_cells + 1, dtype=np.int64) * N_EXPRESSED
        data = matrix.create_dataset("data", (n_values,), np.float32, chunks=stored)
        indices = matrix.create_dataset("indices", (n_values,), np.int32, chunks=stored)
        for start, counts in chunks(n_cells, seed=1):
            part = slice(start * N_EXPRESSED, (start + counts.shape[0]) * N_EXPRESSED)
            data[part], indices[part] = counts.data, counts.indices
        for name, index in (("obs", [f"cell{i}" for i in range(n_cells)]), ("var", symbols())):
            group = file.create_group(name)
            group.attrs.update({
                "encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index",
                "column-order": np.array([], dtype="S1"),
            })  # fmt: skip
            column = group.create_dataset("_index", data=index, dtype=h5py.string_dtype())
            column.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})


def symbols() -> list[str]:
    return [f"GENE{i}" for i in range(N_GENES)]


def make_bundle(folder: Path, preset: Callable[..., Config] = NARROW) -> Bundle:
    """A calibrated bundle of random weights."""
    labels, path = np.array([f"type {i}" for i in range(N_LABELS)], object), folder / "bundle"
    write_store(folder / "tokens.arrow", reference_shards(10_000, labels))
    torch.manual_seed(0)
    model = make_network(preset(n_genes=N_GENES, n_labels=N_LABELS)).eval()
    save_model(model, weights=path / "weights.safetensors", config=path / "config.json", settings={})
    calibrate(model, TokenStore(folder / "tokens.arrow"), seed=1).write_into(path)
    write_table(path / "history.parquet", empty(HISTORY), HISTORY)
    genes = pd.DataFrame({"token_id": np.arange(N_GENES), "symbol": symbols()})
    missing = dict.fromkeys(("gene_id", "chromosome", "start", "end"))
    write_table(path / "vocabulary.parquet", genes.assign(**missing), VOCABULARY)
    healthy = HealthyTypes(labels.tolist(), symbols(), np.ones((N_LABELS, N_GENES)), NullDistribution())
    healthy.write(path / "healthy_types.parquet", path / "positional.json")
    write_manifest(path)
    return Bundle.open(path)


def status(key: str) -> float:
    """A line of /proc/self/status in MiB."""
    return int(re.search(rf"^{key}:\s+(\d+)", Path("/proc/self/status").read_text(), re.M)[1]) / 1024


if __name__ == "__main__":
    main()
