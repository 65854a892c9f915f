"""Speed and memory of the profile against infercnvpy, one core, on random sparse counts.

    python tests/benchmarks/cnv_profile.py --out cnv_profile.json [--cells 20000] [--genes 18000]

Each program runs in a process of its own; memory is the peak above what the input takes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
_CHUNK = 5000


def make_input(n_cells: int, n_genes: int) -> tuple[sparse.csr_matrix, pd.DataFrame]:
    """Log-like values, 8 % nonzero, on 22 chromosomes."""
    rng = np.random.default_rng(1)
    matrix = sparse.random(n_cells, n_genes, density=0.08, format="csr", dtype=np.float64, random_state=rng)
    genes = pd.DataFrame({
        "chromosome": [f"chr{number}" for number in np.sort(rng.integers(1, 23, n_genes))],
        "start": np.arange(n_genes) * 1000.0, "end": np.arange(n_genes) * 1000.0 + 500.0,
        "symbol": [f"g{number}" for number in range(n_genes)],
    })  # fmt: skip
    return matrix, genes


def run_ours(matrix: sparse.csr_matrix, genes: pd.DataFrame, groups: np.ndarray) -> None:
    from cellcohort.cnv.smoothed_profile import infer_profile, reference_means

    infer_profile(matrix, genes, reference_means(matrix, groups))


def run_infercnvpy(matrix: sparse.csr_matrix, genes: pd.DataFrame, groups: np.ndarray) -> None:
    import anndata as ad
    import infercnvpy

    adata = ad.AnnData(matrix, obs=pd.DataFrame({"group": pd.Categorical(groups.astype(str))}))
    adata.var = genes.set_index("symbol")
    infercnvpy.tl.infercnv(
        adata, reference_key="group", reference_cat=["0", "1"], n_jobs=1, chunksize=_CHUNK, inplace=False
    )


def measure(program: str, folder: Path) -> None:
    """Run one program on the input in `folder` and print its CPU seconds (with children) and its memory in MB."""
    matrix, genes = sparse.load_npz(folder / "matrix.npz"), pd.read_pickle(folder / "genes.pkl")
    groups = np.where(np.arange(matrix.shape[0]) % 3 == 2, -1, np.arange(matrix.shape[0]) % 3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    {"ours": run_ours, "infercnvpy": run_infercnvpy}[program](matrix, genes, groups)
    used, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() - start + children.ru_utime + children.ru_stime
    # infercnvpy works in a child process, which starts as a copy of this one.
    memory = max(used.ru_maxrss, children.ru_maxrss) - before
    print(json.dumps({"program": program, "cpu_s": cpu, "memory_mb": memory / 1024}))


def run_one(program: str, folder: str) -> dict:
    """Measure one program in a process of its own."""
    command = [sys.executable, __file__, "--program", program, "--folder", folder]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--genes", type=int, default=18_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--program", choices=["input", "ours", "infercnvpy"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.program == "input":
        matrix, genes = make_input(options.cells, options.genes)
        sparse.save_npz(options.folder / "matrix.npz", matrix, compressed=False)
        genes.to_pickle(options.folder / "genes.pkl")
        return
    if options.program:
        measure(options.program, options.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        size = ["--cells", str(options.cells), "--genes", str(options.genes)]
        # In a process of its own: a child starts with the peak of its parent.
        subprocess.run([sys.executable, __file__, "--program", "input", "--folder", folder, *size], check=True)
        rows = [run_one(program, folder) for _ in range(options.repeats) for program in ("ours", "infercnvpy")]
    table = pd.DataFrame(rows).groupby("program").median()
    print(table.round(1).to_string())
    ratio = (table.loc["ours"] / table.loc["infercnvpy"]).to_dict()
    print("ours / infercnvpy: " + ", ".join(f"{name} {value:.2f}" for name, value in ratio.items()))
    if options.out:
        options.out.write_text(json.dumps({"runs": rows, "ratio": ratio}, indent=1))


if __name__ == "__main__":
    main()
