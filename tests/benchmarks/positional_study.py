"""Blocks along the genome on real tumours and on normal cells of other tissues, platforms and states.

Each patient of a file is measured against the healthy types of a reference that has none of its cells: blood for most,
pancreas for blood and brain. Printed: of malignant and of other cells the share with positional evidence (p at most
.001) by neighbourhood, by group and by either; of classes of normal cells that could look malignant the same share
(their top 3 % by markers).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from cellcohort.genes.highly_variable import standardised_variance
from cellcohort.inputs.counts import Counts, open_counts
from cellcohort.inputs.resources import gene_positions
from cellcohort.positional.evidence import SIGNIFICANT, altered
from cellcohort.positional.healthy_types import HealthyTypes, sum_healthy_types
from cellcohort.positional.measure_sample import measure_cells

BLOOD, PANCREAS = "pbmc4k_soupx", "pancreas_baron2016_human1"
TASKS = {
    "ovarian_qian2020": BLOOD,
    "oligodendroglioma_tirosh2016": PANCREAS,
    "lymphoma_bcell_multiome_10x": BLOOD,
    "malt_lymphoma_10x": BLOOD,
    "aml027_pre_zheng2017": BLOOD,
    "pancreas_baron2016_human1": BLOOD,
    "pbmc4k_soupx": PANCREAS,
    "pbmc_zheng2017_sorted": BLOOD,
}
CLASSES = {
    "cycling": ["MKI67", "TOP2A", "CDK1", "CENPF", "UBE2C"],
    "plasma": ["MZB1", "XBP1", "JCHAIN", "DERL3", "SDC1"],
    "erythroid": ["HBA1", "HBB", "ALAS2", "AHSP", "GYPA"],
    "interferon": ["ISG15", "IFIT1", "IFIT3", "MX1", "OAS1"],
    "secretory": ["PRSS1", "CPA1", "INS", "GCG", "MUC1"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    healthy = {name: reference(options.data / f"{name}.h5ad") for name in {*TASKS.values()}}
    results = []
    for name, compared in TASKS.items():
        counts = open_counts(options.data / f"{name}.h5ad")
        for donor, rows in donors(counts).items():
            results.append({"file": name, "patient": donor} | measure(counts, rows, healthy[compared]))
            print(json.dumps(results[-1]), flush=True)
    options.out.write_text(json.dumps(results, indent=1))


def reference(path: Path) -> HealthyTypes:
    counts = open_counts(path)
    labels = counts.obs_column("cell_type")
    rows = np.flatnonzero(~np.isin(labels, ["", "unknown"]))
    given = {"positions": gene_positions("hg38"), "vocabulary": variable(counts, rows)}
    return sum_healthy_types(counts, rows, labels[rows], **given)


def donors(counts: Counts) -> dict[str, np.ndarray]:
    column = counts.obs_column("donor") if "donor" in counts.obs_columns else np.full(counts.n_cells, "all")
    return {name: np.flatnonzero(column == name) for name in np.unique(column)}


def variable(counts: Counts, rows: np.ndarray) -> np.ndarray:
    """Columns of the 2,000 genes that vary most, the share that a vocabulary has."""
    return np.sort(np.argsort(-standardised_variance(counts, rows).ravel(), kind="stable")[:2_000])


def measure(counts: Counts, rows: np.ndarray, healthy: HealthyTypes) -> dict:
    start = time.process_time()
    table = measure_cells(counts, rows, healthy, positions=gene_positions("hg38"), vocabulary=variable(counts, rows))
    found = {
        "neighbourhood": (table["pvalue"] <= SIGNIFICANT).to_numpy(),
        "group": (table["group_pvalue"] <= SIGNIFICANT).to_numpy(),
        "either": altered(table),
    }
    malignant = truth(counts)[rows]
    result = {"cells": len(rows), "seconds": round(time.process_time() - start, 1)}
    for name, cells in (("malignant", malignant), ("others", ~malignant)):
        if cells.any():
            result[name] = {"cells": int(cells.sum())} | {k: round(float(v[cells].mean()), 4) for k, v in found.items()}
    matrix = counts.read(rows)
    classes = {name: top(counts, matrix, genes) & ~malignant for name, genes in CLASSES.items()}
    return result | {
        name: round(float(found["either"][cells].mean()), 3) for name, cells in classes.items() if cells.any()
    }


def truth(counts: Counts) -> np.ndarray:
    if "malignant" in counts.obs_columns:
        return np.isin(counts.obs_column("malignant"), ["True", "true", "1"])
    return (
        np.isin(counts.obs_column("cell_type"), ["Malignant"])
        if "cell_type" in counts.obs_columns
        else np.zeros(counts.n_cells, bool)
    )


def top(counts: Counts, matrix: sparse.csr_matrix, genes: list[str]) -> np.ndarray:
    """The 3 % of cells with the largest share of these genes, at least three of them counted."""
    columns = np.flatnonzero(counts.genes["symbol"].isin(genes))
    found = np.asarray(matrix[:, columns].sum(1)).ravel()
    share = pd.Series(found / np.maximum(np.asarray(matrix.sum(1)).ravel(), 1))
    return ((share.rank(pct=True, method="first") > 0.97) & (found >= 3)).to_numpy()


if __name__ == "__main__":
    main()
