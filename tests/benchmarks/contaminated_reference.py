"""Copy-number calls when malignant cells pass for normal ones: the released rule beside the purified reference.

    python tests/benchmarks/contaminated_reference.py --data ../shared/data --out contaminated_reference.json

Ovarian carcinomas P11 and P12 (Qian et al. 2020): a share of the malignant cells gets the label of a normal lineage,
each in turn, at a confidence of 0.99 and unflagged; the other malignant cells are OOD, with the same label. `released`
believes labels (no positional evidence, no comparison on the arms); `arms` has expression groups but no evidence;
`blocks` has evidence, as the workflow measures it, against healthy blood. Figures: malignant cells and normal cells
called aneuploid and undetermined.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from unittest import mock

import anndata as ad
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from positional_study import BLOOD, reference, variable

from cellcohort.cnv import call_patient as module
from cellcohort.cnv.patient_samples import HealthyReference, Sample
from cellcohort.inputs.counts import Counts, open_counts
from cellcohort.inputs.resources import gene_positions
from cellcohort.positional.healthy_types import HealthyTypes
from cellcohort.positional.measure_sample import measure_cells

SHARES = (0.3, 0.6, 1.0)
RULES = ("released", "arms", "blocks")


def positional(counts: Counts, healthy: HealthyTypes) -> pd.DataFrame:
    """The table of positional evidence of a patient, against healthy types."""
    rows = np.arange(counts.n_cells)
    return measure_cells(counts, rows, healthy, positions=gene_positions(), vocabulary=variable(counts, rows))


def contaminate(adata: ad.AnnData, lineage: str, share: float, seed: int) -> pd.DataFrame:
    """An annotation in which a share of the malignant cells passes for a normal lineage, the others are OOD."""
    malignant = (adata.obs["cell_type"] == "Epithelial").to_numpy()
    rows = np.flatnonzero(malignant)
    passing = np.random.default_rng(seed).choice(rows, round(share * len(rows)), replace=False)
    ood = malignant.copy()
    ood[passing] = False
    label = np.where(malignant, lineage, adata.obs["cell_type"].astype(str))
    return pd.DataFrame({"cell_id": adata.obs_names, "label": label, "confidence": 0.99, "is_ood": ood})


def call(rule: str, one: Sample, table: pd.DataFrame, healthy: HealthyReference | None):
    """The calls of one patient under a rule, and the cells that served as reference."""
    if rule == "released":
        with mock.patch.object(module, "refuse_by_arms", lambda obs, *_, **__: obs):
            return module.call_patient([one], positions=gene_positions(), healthy=healthy)
    known = table if rule == "blocks" else table.assign(pvalue=np.nan, group_pvalue=np.nan)
    sample = Sample(one.sample_id, one.counts, one.annotation, known)
    return module.call_patient([sample], positions=gene_positions(), healthy=healthy)


def figures(cells: pd.DataFrame, malignant: np.ndarray) -> dict[str, float]:
    """Shares of the malignant and of the normal cells."""
    call, reference = cells["cnv_call"].to_numpy(), (cells["role"] == "reference").to_numpy()
    return {
        "recall": (call[malignant] == "aneuploid").mean(),
        "malignant_undetermined": (call[malignant] == "undetermined").mean(),
        "normals_aneuploid": (call[~malignant] == "aneuploid").mean(),
        "normals_undetermined": (call[~malignant] == "undetermined").mean(),
        "malignant_in_reference": reference[malignant].mean(),
        "normals_in_reference": reference[~malignant].mean(),
    }


def study(
    folder: Path, donors: list[str], scratch: Path, *, borrow: bool, shares: list[float], seeds: list[int]
) -> pd.DataFrame:
    """One row a patient, lineage, share, seed and rule."""
    whole, blood = ad.read_h5ad(folder / "ovarian_qian2020.h5ad"), reference(folder / f"{BLOOD}.h5ad")
    healthy, rows = None, []
    if borrow:
        other = whole[((whole.obs["donor"] == "P13") & (whole.obs["cell_type"] != "Epithelial")).to_numpy()].copy()
        other.write_h5ad(scratch / "healthy.h5ad")
        healthy = HealthyReference(open_counts(scratch / "healthy.h5ad"), other.obs["cell_type"].astype(object))
    for donor in donors:
        adata = whole[(whole.obs["donor"] == donor).to_numpy()].copy()
        malignant = (adata.obs["cell_type"] == "Epithelial").to_numpy()
        adata.write_h5ad(scratch / f"{donor}.h5ad")
        table = positional(open_counts(scratch / f"{donor}.h5ad"), blood)
        lineages = sorted(set(adata.obs["cell_type"].astype(str)) - {"Epithelial"})
        for lineage, share, seed in [(None, 0.0, 0), *product(lineages, shares, seeds)]:
            if share == 1 and seed != seeds[0]:
                continue  # all of them: nothing is drawn
            annotation = contaminate(adata, lineage or "Fibroblast", share, seed)
            one = Sample(donor, open_counts(scratch / f"{donor}.h5ad"), annotation)
            for rule in RULES:
                start = time.process_time()
                result = call(rule, one, table, healthy)
                row = {"donor": donor, "lineage": lineage or "none", "share": share, "seed": seed, "rule": rule}
                rows.append(row | figures(result.cells, malignant) | {"cpu_s": time.process_time() - start})
                print(" ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in rows[-1].values()), flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--donors", nargs="+", default=["P11", "P12"])
    parser.add_argument("--shares", nargs="+", type=float, default=SHARES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--borrow", action="store_true", help="with the normal cells of P13 as the healthy reference")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        given = {name: getattr(options, name) for name in ("borrow", "shares", "seeds")}
        table = study(options.data, options.donors, Path(scratch), **given)
    print(table.drop(columns=["lineage", "seed"]).groupby(["donor", "share", "rule"]).mean().round(3).to_string())
    worst = table.groupby(["donor", "share", "rule"])[["recall", "malignant_in_reference"]].agg(["min", "max"])
    print(worst.round(3).to_string())
    options.out.write_text(json.dumps(table.to_dict("records"), indent=1))


if __name__ == "__main__":
    main()
