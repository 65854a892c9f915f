"""What a patient's limits promise, and what is found: clones of 2 to 20 % with 1, 3 and 6 altered arms.

    PYTHONPATH=scripts python tests/benchmarks/limits_study.py --data ../shared/data --out limits_study.json

Normal cells of two ovarian tumours and of healthy blood. Losses or gains are planted into cells of the lineage that
has most of them, 2, 5, 10 or 20 % of the patient's cells, losses and gains in turn. The clone is `told apart` (OOD,
with its lineage as nearest type) or `passes` for its lineage, at a confidence of 0.99. Blocks are measured against
blood (of blood: pancreas).
The promise is `cnv_limits` of the same run; a clone is found where at least half of it is aneuploid and at most 5 % of
the other cells are. Printed: how often a clone was found where the limit promised it, and where it did not.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import anndata as ad
import numpy as np
import pandas as pd
from cnv_study import change, replace_rows
from contaminated_reference import figures, positional
from positional_study import BLOOD, PANCREAS, reference
from scipy import sparse
from tasks import study_options

from cellcohort.cnv.call_patient import call_patient
from cellcohort.cnv.normals import limits as module
from cellcohort.cnv.normals.limits import DOSAGES, MAX_FALSE, SHARES
from cellcohort.cnv.patient_samples import Sample
from cellcohort.cnv.settings import Settings
from cellcohort.genes.chromosome_arms import lay_out_arms
from cellcohort.genes.positions import place_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import chromosome_arms, gene_positions
from cellcohort.positional.healthy_types import HealthyTypes

N_ARMS = (1, 3, 6)
LARGE_ARM = 0.01  # of the counts
FOUND = 0.5  # of the clone
N_BLOOD = 1_000


def main() -> None:
    options = study_options(__doc__)
    healthy, rows = {name: reference(options.data / f"{name}.h5ad") for name in (BLOOD, PANCREAS)}, []
    for name, cells in patients(options.data).items():
        for seed, arms, share in product(options.seeds, N_ARMS, SHARES):
            dosage = DOSAGES[(seed + arms // 3) % 2]
            ids = {"patient": name, "seed": seed, "arms": arms, "log2_ratio": float(np.log2(dosage)), "share": share}
            for row in study(cells, arms, dosage, share, healthy[PANCREAS if name == "blood" else BLOOD], seed):
                rows.append(ids | row)
                print(json.dumps(rows[-1]), flush=True)
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    table = pd.DataFrame(rows)
    for more in ([], ["arms"], ["patient"], ["share"], ["log2_ratio"]):
        print(
            table.groupby(["clone", *more, "promised"])["found"].agg(["mean", "size"]).round(3).to_string(), flush=True
        )


def patients(folder: Path) -> dict[str, ad.AnnData]:
    """Normal cells by patient."""
    ovary, blood = (ad.read_h5ad(folder / f"{name}.h5ad") for name in ("ovarian_qian2020", BLOOD))
    normal = ovary.obs["cell_type"] != "Epithelial"
    found = {donor: ovary[(ovary.obs["donor"] == donor) & normal].copy() for donor in ("P11", "P13")}
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(blood.obs["cell_type"] != "unknown"))[:N_BLOOD]
    return found | {"blood": blood[np.sort(chosen)].copy()}


def study(
    cells: ad.AnnData, n_arms: int, dosage: float, share: float, healthy: HealthyTypes, seed: int
) -> list[dict[str, object]]:
    """One patient: whether the clone was found, and whether that was promised, if it is told apart or passes."""
    counts, clone = plant(cells, n_arms, dosage, share, seed)
    labels, rows = cells.obs["cell_type"].astype(str).to_numpy(), []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "patient.h5ad"
        ad.AnnData(counts.astype(np.float32), obs=cells.obs[[]], var=cells.var[[]]).write_h5ad(path)
        table = positional(open_counts(path), healthy)
        for name, ood in (("told apart", clone), ("passes", np.zeros(len(clone), bool))):
            annotation = pd.DataFrame({"cell_id": cells.obs_names, "label": labels, "confidence": 0.99, "is_ood": ood})
            one = Sample("P", open_counts(path), annotation, table)
            result = call_patient([one], positions=gene_positions())
            with mock.patch.multiple(module, N_ARMS=(n_arms,), DOSAGES=(dosage,)):  # the same row, without the others
                least = module.find_limits(result.normals, Settings())["share"]
            shares = figures(result.cells, clone)
            found = shares["recall"] >= FOUND and shares["normals_aneuploid"] <= MAX_FALSE
            rows.append({"clone": name, "promised": bool((least <= share).any()), "found": bool(found)} | shares)
    return rows


def plant(
    cells: ad.AnnData, n_arms: int, dosage: float, share: float, seed: int
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Counts with an altered clone in the largest lineage, a share of all cells, and which cells those are."""
    rng = np.random.default_rng([seed, n_arms, round(100 * dosage)])
    counts = sparse.csr_matrix(cells.X).astype(np.int64)
    genes = place_genes(cells.var_names, gene_positions())
    layout = lay_out_arms(genes, chromosome_arms())
    placed = layout.arm >= 0
    mass = np.bincount(layout.arm[placed], weights=counts.sum(0).A1[genes["column"]][placed])
    altered = rng.permutation(np.flatnonzero(mass >= LARGE_ARM * mass.sum()))[:n_arms]
    factor = np.ones(cells.n_vars)
    factor[genes["column"][np.isin(layout.arm, altered)]] = dosage
    lineage = cells.obs["cell_type"].value_counts().index[0]
    carriers = rng.permutation(np.flatnonzero(cells.obs["cell_type"] == lineage))[: round(share * cells.n_obs)]
    clone = np.isin(np.arange(cells.n_obs), carriers)
    return replace_rows(counts, clone, lambda part: change(part, factor, rng)), clone


if __name__ == "__main__":
    main()
