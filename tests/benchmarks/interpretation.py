"""What interpretation costs: time beside annotation alone, and peak memory.

    python tests/benchmarks/interpretation.py --out benchmarks.json

A synthetic sample of 2,000 genes, 200 of them expressed, preset `additive` with random weights, one core. Cost: 3,000
cells annotated with and without gene scores and programs in turn, CPU seconds, medians. Memory: the peak of a process
of its own that annotates 200,000 cells with them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from model_memory import N_GENES, N_LABELS, make_bundle, status, write_sample

from cellcohort.annotation.annotate import annotate
from cellcohort.annotation.explanation import Explanation
from cellcohort.bundle.model_bundle import Bundle
from cellcohort.genes.alignment import align_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_aliases
from cellcohort.model.inference import run_batches
from cellcohort.model.presets import PRESETS
from cellcohort.outputs.parquet import table_writer
from cellcohort.outputs.schemas import embedding_schema


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file; what it holds of other programs is kept")
    parser.add_argument("--cells", type=int, default=200_000, help="of the memory measurement")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--part", choices=["cost", "memory"], help="for the inner processes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.part:
        figures = measure_cost(options.repeats) if options.part == "cost" else measure_memory(options.cells)
        print(json.dumps(figures))
        return
    kept = json.loads(options.out.read_text()) if options.out.exists() else {}
    for part in ("cost", "memory"):
        command = [sys.executable, __file__, "--out", os.devnull, "--cells", str(options.cells)]
        command += ["--repeats", str(options.repeats), "--part", part]
        kept |= json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    options.out.write_text(json.dumps(kept, indent=2) + "\n")
    print(json.dumps({name: value for name, value in kept.items() if name.startswith("interpretation")}, indent=2))


def measure_cost(repeats: int) -> dict:
    """CPU seconds of annotation with and without interpretation, in turn."""
    seconds = {"with": [], "without": []}
    with tempfile.TemporaryDirectory() as folder:
        bundle, sample = prepare(Path(folder), 3000)
        for _ in range(repeats + 1):
            for kind, spent in seconds.items():
                start = time.process_time()
                if kind == "with":
                    run(Path(folder), bundle, sample)
                else:
                    with mock.patch("cellcohort.annotation.annotate._predict", predict_alone):
                        run(Path(folder), bundle, sample)
                spent.append(time.process_time() - start)
    explained, alone = (float(np.median(seconds[kind][1:])) for kind in ("with", "without"))
    return {"interpretation_seconds": explained, "annotation_seconds": alone, "interpretation_cost": explained / alone}


def measure_memory(n_cells: int) -> dict:
    """Peak of this process, which annotates `n_cells` with interpretation."""
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), *prepare(Path(folder), n_cells))
    return {"interpretation_peak_mib": round(status("VmHWM")), "interpretation_cells": n_cells}


def prepare(folder: Path, n_cells: int) -> tuple[Bundle, Path]:
    write_sample(folder / "sample.h5ad", n_cells)
    return make_bundle(folder, PRESETS["additive"]), folder / "sample.h5ad"


def run(folder: Path, bundle: Bundle, sample: Path) -> None:
    """Annotate the sample as the workflow does, tables of the explanation included."""
    counts, config = open_counts(sample), bundle.model.config
    explanation = Explanation(N_LABELS, N_GENES, config.n_slots)
    alignment = align_genes(counts.genes, bundle.vocabulary, gene_aliases())
    with table_writer(folder / "embedding.parquet", embedding_schema(config.d_model)) as keep_embedding:
        given = {"sample_id": "s", "patient_id": "p", "shift": "auto", "keep_embedding": keep_embedding}
        given["barred"] = np.zeros(counts.n_cells, bool)
        annotate(counts, np.arange(counts.n_cells), alignment, bundle, explanation, **given)
    symbols = bundle.vocabulary["symbol"].to_numpy()
    explanation.gene_scores(bundle.labels, symbols, np.arange(len(symbols)))
    explanation.slot_programs(bundle.labels, symbols, np.arange(len(symbols)), bundle.slot_stability)


def predict_alone(bundle, tokens, compared, explanation):
    """Logits of the ensemble's members and embeddings with nothing explained."""
    embedding = np.empty((len(tokens), bundle.model.config.d_model), np.float32)
    member_logits = compared.member_logits(np.zeros_like(compared.linear_logits))
    for rows, _, output in run_batches(bundle.model, tokens):
        member_logits[0, rows], embedding[rows] = output.logits.numpy(), output.embedding.numpy()
    return member_logits, embedding


if __name__ == "__main__":
    main()
