"""Time and memory of positional evidence for large samples: real cells of an ovarian tumour, thinned and repeated.

Every cell is drawn again from one of 4,000 real ones: its counts thinned to a share. The file is written first, in a
process of its own, so that the peak is that of the measurement alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from pathlib import Path

import anndata as ad
import numpy as np
from scipy import sparse

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from positional_study import BLOOD, reference, variable

from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_positions
from cellcohort.outputs.h5ad import growing_h5ad
from cellcohort.positional.measure_sample import measure_cells

BLOCK = 4_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for the files of cells")
    parser.add_argument("--cells", type=int, nargs="+", default=[60_000, 1_000_000])
    parser.add_argument("--share", type=float, nargs="+", default=[1.0, 0.1], help="of the counts, for each size")
    options = parser.parse_args()
    results = []
    for n_cells, share in zip(options.cells, options.share, strict=True):
        path = options.folder / f"{n_cells}.h5ad"
        for step in (write, measure):
            queue = multiprocessing.get_context("spawn").Queue()
            process = multiprocessing.get_context("spawn").Process(
                target=step, args=(options.data, path, n_cells, share, queue)
            )
            process.start()
            result = queue.get()
            process.join()
        results.append({"cells": n_cells} | result)
        print(json.dumps(results[-1]), flush=True)
    options.out.write_text(json.dumps(results, indent=1))


def write(data: Path, path: Path, n_cells: int, share: float, queue: multiprocessing.Queue) -> None:
    cells = ad.read_h5ad(data / "ovarian_qian2020.h5ad")
    counts, rng = sparse.csr_matrix(cells.X), np.random.default_rng(0)
    obs = cells.obs[[]]
    with growing_h5ad(path, obs=obs[:0], var=cells.var[[]], obsm={}, uns={}) as file:
        for start in range(0, n_cells, BLOCK):
            drawn = counts[rng.integers(0, counts.shape[0], min(BLOCK, n_cells - start))]
            drawn.data = rng.binomial(drawn.data.astype(int), share).astype(np.float32)
            drawn.eliminate_zeros()
            names = obs.iloc[: drawn.shape[0]].copy()
            names.index = [f"cell{start + i:08d}" for i in range(drawn.shape[0])]
            file.append_obs(names)
            file.append_rows(drawn)
    queue.put({})


def measure(data: Path, path: Path, n_cells: int, share: float, queue: multiprocessing.Queue) -> None:
    healthy = reference(data / f"{BLOOD}.h5ad")
    counts = open_counts(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    vocabulary = variable(counts, np.arange(min(4_000, n_cells)))
    table = measure_cells(counts, np.arange(n_cells), healthy, positions=gene_positions("hg38"), vocabulary=vocabulary)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    queue.put(
        {
            "cpu_s": round(time.process_time() - start),
            "peak_mib": peak // 1024,
            "empty_mib": before // 1024,
            "cells_a_neighbourhood": round(n_cells / (table["neighbourhood"].max() + 1), 1),
        }
    )


if __name__ == "__main__":
    main()
