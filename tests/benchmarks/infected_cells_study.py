"""Blocks along the genome in infected cells: an interferon response and a shut-off of the host's transcripts, planted.

    PYTHONPATH=scripts python tests/benchmarks/infected_cells_study.py --data ../shared/data --out infected.json

In three tenths of the cells of healthy files genes answer as those of monocytes do to interferon (Kang et al. 2018,
where that file has the gene), stress genes rise five-fold, and of all others a share of the counts is left, of some
genes more than of others. The genes keep their places. Printed: the share with positional evidence of infected cells
and of the others, by what is left of the counts.
"""

from __future__ import annotations

import json
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from mixed_cells_study import evidence
from positional_study import BLOOD, PANCREAS, reference
from scipy import sparse
from tasks import study_options

INFECTED = 0.3  # of the cells
LEFT = (1.0, 0.5, 0.35, 0.2)  # of the counts of a gene that is shut off; 1: interferon and stress alone
SPREAD = 0.7  # of the logarithm of what is left, between genes
SPARED = 0.05  # of the genes, at random
STRESS = (
    "HSPA1A HSPA1B DNAJB1 HSPA6 HSPH1 ATF3 ATF4 DDIT3 PPP1R15A GADD45A GADD45B JUN FOS EGR1 CXCL8 NFKBIA IER3 SQSTM1"
)
RAISED = 5.0
MOST = 50.0
FILES = {
    BLOOD: PANCREAS,
    PANCREAS: BLOOD,
    "pbmc_zheng2017_sorted": BLOOD,
    "ovarian_qian2020": BLOOD,
}


def main() -> None:
    options = study_options(__doc__)
    healthy = {name: reference(options.data / f"{name}.h5ad") for name in {*FILES.values()}}
    response, rows = interferon(options.data / "pbmc_kang2018_ifnb.h5ad"), []
    for name, compared in FILES.items():
        cells = normal_cells(options.data / f"{name}.h5ad")
        for left in LEFT:
            for seed in options.seeds:
                counts, infected = infect(cells, response, left, seed)
                kinds = np.where(infected, "infected", "others")
                found = evidence(counts, kinds, healthy[compared], cells.var_names)
                rows.append({"file": name, "left": left, "seed": seed} | found)
                print(json.dumps(rows[-1]), flush=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")
    print(
        pd.DataFrame(rows).groupby(["file", "left"])[["infected", "others"]].agg(["mean", "max"]).round(4).to_string()
    )


def normal_cells(path: Path) -> ad.AnnData:
    """Cells of one patient at most, without a tumour's."""
    cells = ad.read_h5ad(path)
    if path.stem == "ovarian_qian2020":
        cells = cells[(cells.obs["donor"] == "P11") & (cells.obs["cell_type"] != "Epithelial")]
    return cells.copy()


def interferon(path: Path) -> pd.Series:
    """How many times more of each gene stimulated monocytes have than their controls, 1/50 to 50, by symbol."""
    cells = ad.read_h5ad(path)
    monocytes = cells.obs["cell_type"].astype(str).str.contains("Mono").to_numpy()
    levels = []
    for condition in ("stim", "ctrl"):
        chosen = monocytes & cells.obs["condition"].astype(str).str.startswith(condition).to_numpy()
        sums = sparse.csr_matrix(cells.X)[chosen].sum(0).A1
        levels.append(sums / sums.sum() * 1e6 + 20)
    return pd.Series(np.clip(levels[0] / levels[1], 1 / MOST, MOST), index=cells.var_names)


def infect(cells: ad.AnnData, response: pd.Series, left: float, seed: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Counts of the cells, and which of them are infected."""
    rng, counts = np.random.default_rng(seed), sparse.csr_matrix(cells.X).astype(np.int64)
    infected = rng.random(cells.n_obs) < INFECTED
    kept = np.where(rng.random(cells.n_vars) < SPARED, 1.0, left * rng.lognormal(0, SPREAD, cells.n_vars))
    times = response.reindex(cells.var_names).fillna(1.0).to_numpy()
    factor = np.where(np.abs(np.log2(times)) >= 1, times, np.minimum(kept, 1.0) * times)
    factor[cells.var_names.isin(STRESS.split())] = RAISED
    part = counts[infected]
    part.data = rng.poisson(part.data * factor[part.indices])
    order = np.argsort(np.r_[np.flatnonzero(~infected), np.flatnonzero(infected)], kind="stable")
    return sparse.vstack([counts[~infected], part], format="csr")[order], infected


if __name__ == "__main__":
    main()
