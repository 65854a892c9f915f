"""Do slots read other programs in OOD cells than in the normal cells of the type that these resemble most?

    python tests/benchmarks/program_study.py --results results/demo --out program_study.json

Any finished cohort. For each patient and origin with `MIN_CELLS` OOD cells and twice as many normal cells of that
label in the cohort: rank correlations over genes, means over slots, of the OOD cells' programs with those of half the
normal cells; beside it the other half's (the noise), and, on average, those of normal cells of the other types.
`program` is what a slot reads of a gene as a mean over all cells (which genes are on, and how they are read);
`reading` is the mean over the cells that have the gene, for genes that at least `MIN_CELLS` cells of each group have.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from slot_study import of_slots, ranks

from cellcohort.bundle.model_bundle import Bundle
from cellcohort.model.inference import run_batches
from cellcohort.model.tokens import tokenise

MIN_CELLS = 20
Sums = tuple[np.ndarray, np.ndarray, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, help="results folder of a finished run")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    options = parser.parse_args()
    cells = ad.read_h5ad(options.results / "cohort" / "annotated.h5ad")
    rows = study(cells, Bundle.open(options.results / "model"))
    options.out.write_text(json.dumps(rows, indent=2) + "\n")
    print(pd.DataFrame(rows).round(3).to_string(index=False))


def study(cells: ad.AnnData, bundle: Bundle) -> list[dict]:
    """A row for each patient, origin and measure."""
    obs, half = cells.obs.assign(is_ood=cells.obs["is_ood"] == "True"), np.arange(cells.n_obs) % 2 == 0
    normal = {label: ~obs["is_ood"] & (obs["label"] == label) for label in bundle.labels}
    normal = {label: chosen for label, chosen in normal.items() if chosen.sum() >= 2 * MIN_CELLS}
    seen = {label: [sums(cells[chosen & part], bundle) for part in (half, ~half)] for label, chosen in normal.items()}
    found = []
    for (patient, origin), own in obs[obs["is_ood"]].groupby(["patient_id", "origin"], observed=True):
        if len(own) < MIN_CELLS or origin not in seen:
            continue
        ood = sums(cells[own.index], bundle)
        for name, measure in {"program": program, "reading": reading}.items():
            first, second = seen[origin]
            others = [measure(parts[0], first) for label, parts in seen.items() if label != origin]
            row = {"patient": patient, "origin": origin, "n_cells": len(own), "measure": name}
            row |= {"OOD": measure(ood, first), "same type": measure(second, first)}
            found.append(row | {"other types": float(np.mean(others))})
    return found


def sums(cells: ad.AnnData, bundle: Bundle) -> Sums:
    """What the slots read, summed over cells (slots, genes); cells that have each gene (genes,); cells."""
    tokens, config = tokenise(cells.X, n_bins=bundle.model.config.n_bins), bundle.model.config
    total, n_on = np.zeros((config.n_genes, config.n_slots)), np.zeros(config.n_genes)
    for _, batch, output in run_batches(bundle.model, tokens, attention=True):
        np.add.at(total, batch.genes, of_slots(batch, output)[0])
        np.add.at(n_on, batch.genes, batch.bins > 0)
    return total.T, n_on, cells.n_obs


def program(one: Sums, other: Sums) -> float:
    """Rank correlation of the mean over all cells, over genes that either has."""
    genes = (one[1] + other[1]) > 0
    return correlation(one[0][:, genes] / one[2], other[0][:, genes] / other[2])


def reading(one: Sums, other: Sums) -> float:
    """Rank correlation of the mean over the cells that have the gene, over genes that enough cells of both have."""
    genes = np.minimum(one[1], other[1]) >= MIN_CELLS
    return correlation(one[0][:, genes] / one[1][genes], other[0][:, genes] / other[1][genes])


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float((ranks(one) * ranks(other)).sum(1).mean())


if __name__ == "__main__":
    main()
