"""A cohort of a few random cells, for tests that plan a run without computing anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import yaml
from scipy import sparse

REPO = Path(__file__).resolve().parents[2]
SHEET = """sample_id	patient_id	path	truth	min_genes
A1	A	A1.h5ad	cell_type	3
A2	A	A2.h5ad
B1	B	B1.h5ad
"""


def write_cells(path: Path, *, n_cells: int = 12, labels: tuple[str, ...] = ("T", "B", "NK"), seed: int = 0) -> None:
    """Write random counts of a few genes with the obs columns cell_type and donor."""
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(np.resize(labels, n_cells)), "donor": np.resize(["D1", "D2"], n_cells)},
        index=[f"cell{i}" for i in range(n_cells)],
    )
    counts = sparse.csr_matrix(rng.poisson(1, (n_cells, 20)).astype("float32"))
    ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"GENE{i}" for i in range(20)])).write_h5ad(path)


def some_cells(path: Path, n: int) -> ad.AnnData:
    """Every k-th cell of a file, n in all."""
    cells = ad.read_h5ad(path)
    return cells[np.linspace(0, cells.n_obs - 1, n).astype(int)].copy()


def write_cohort(folder: Path, **config) -> Path:
    """Fill a working directory with a reference, three samples of two patients, sheet and config; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(("reference", "A1", "A2", "B1")):
        write_cells(folder / f"{name}.h5ad", seed=seed)
    (folder / "samples.tsv").write_text(SHEET)
    write_config(folder, **config)
    return folder


def write_config(folder: Path, **config) -> None:
    """Write config.yaml: sheet, reference and what else is given."""
    content = {"samples": "samples.tsv", "reference": {"path": "reference.h5ad"}, **config}
    (folder / "config.yaml").write_text(yaml.safe_dump(content))


def snakemake(folder: Path, *arguments: str, repo: Path = REPO, configfile: str | None = "config.yaml"):
    """Run Snakemake in `folder` with the workflow of `repo`; returns the completed process, both streams in stdout."""
    config = ["--configfile", configfile] if configfile else []
    snakefile = [] if "--snakefile" in arguments else ["--snakefile", str(repo / "Snakefile")]
    command = [sys.executable, "-m", "snakemake", *snakefile, *arguments, *config]
    return subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
