"""Blocks along the genome where tumour and normal cells mix: ambient tumour RNA in normal cells, and doublets of both.

    python tests/benchmarks/mixed_cells_study.py --data ../shared/data --out mixed_cells_study.json

Ovarian tumours against healthy blood. Of every normal cell a share of the counts is exchanged for counts of the
patient's malignant cells; or doublets are added, each the sum of a malignant and a normal cell, a tenth of the
sample. Printed: the share with positional evidence of normal cells, of malignant ones and of doublets.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad
import numpy as np
import pandas as pd
from positional_study import BLOOD, reference, variable
from scipy import sparse
from tasks import study_options

from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_positions
from cellcohort.positional.evidence import altered
from cellcohort.positional.healthy_types import HealthyTypes
from cellcohort.positional.measure_sample import measure_cells

AMBIENT = (0.0, 0.1, 0.2, 0.3)
DOUBLETS = 0.1  # of the sample


def main() -> None:
    options = study_options(__doc__)
    whole, healthy = ad.read_h5ad(options.data / "ovarian_qian2020.h5ad"), reference(options.data / f"{BLOOD}.h5ad")
    rows = []
    for donor in sorted(whole.obs["donor"].astype(str).unique()):
        cells = whole[(whole.obs["donor"] == donor).to_numpy()]
        for seed in options.seeds:
            mixtures = {f"ambient {share:.0%}": ambient(cells, share, seed) for share in AMBIENT}
            mixtures["doublets"] = doublets(cells, seed)
            for name, (counts, kinds) in mixtures.items():
                shares = evidence(counts, kinds, healthy, cells.var_names)
                rows.append({"patient": donor, "seed": seed, "mixture": name} | shares)
                print(json.dumps(rows[-1]), flush=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")
    table = pd.DataFrame(rows).drop(columns="seed")
    print(table.groupby(["patient", "mixture"]).mean().round(3).to_string())


def ambient(cells: ad.AnnData, share: float, seed: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Counts of the cells, each normal one with so much RNA of the malignant ones, and the kinds of the cells."""
    rng, counts = np.random.default_rng(seed), sparse.csr_matrix(cells.X).astype(int)
    malignant = (cells.obs["cell_type"] == "Epithelial").to_numpy()
    profile = counts[malignant].sum(0).A1 / counts[malignant].sum()
    kept = counts.copy()
    kept.data = rng.binomial(counts.data, 1 - share)
    missing = (counts.sum(1) - kept.sum(1)).A1
    added = sparse.csr_matrix(np.stack([rng.multinomial(number, profile) for number in missing]))
    mixed = sparse.vstack([counts[malignant], (kept + added)[~malignant]], format="csr")
    return mixed, np.repeat(["malignant", "normal"], [malignant.sum(), (~malignant).sum()])


def doublets(cells: ad.AnnData, seed: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Counts of the cells and of doublets of a malignant and a normal one, and the kinds of the cells."""
    rng, counts = np.random.default_rng(seed), sparse.csr_matrix(cells.X)
    malignant = (cells.obs["cell_type"] == "Epithelial").to_numpy()
    number = int(DOUBLETS * cells.n_obs)
    first, second = (rng.choice(np.flatnonzero(kind), number) for kind in (malignant, ~malignant))
    kinds = np.r_[np.where(malignant, "malignant", "normal"), np.full(number, "doublet")]
    return sparse.vstack([counts, counts[first] + counts[second]], format="csr"), kinds


def evidence(counts: sparse.csr_matrix, kinds: np.ndarray, healthy: HealthyTypes, genes: pd.Index) -> dict[str, float]:
    """Share of the cells of each kind that have positional evidence."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sample.h5ad"
        obs = pd.DataFrame(index=[f"cell{i}" for i in range(len(kinds))])
        ad.AnnData(counts.astype(np.float32), obs=obs, var=pd.DataFrame(index=genes)).write_h5ad(path)
        opened, rows = open_counts(path), np.arange(len(kinds))
        given = {"positions": gene_positions("hg38"), "vocabulary": variable(opened, rows)}
        found = altered(measure_cells(opened, rows, healthy, **given))
    return {kind: float(found[kinds == kind].mean()) for kind in np.unique(kinds)}


if __name__ == "__main__":
    main()
