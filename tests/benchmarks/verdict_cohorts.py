"""Verdicts of whole runs of the workflow, on tumours and normal tissue mapped on references of another study or organ.

Blood (pbmc4k) and pancreas are the references; samples are patients of other files. The workflow runs in a folder of
its own for each reference and seed; printed for each patient: cells by verdict, of malignant and of other cells where
they are known; and over all of these how right p_malignant is (Brier score, share of malignant cells by its range).
Files of healthy people count as without a malignant cell. The released version is run in the same way by checking it
out elsewhere: it has no verdict, so what it calls aneuploid or unlike the reference stands for one (`--flags`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import yaml

REPO = Path(__file__).resolve().parents[2]
REFERENCES = {
    "pbmc4k_soupx": [
        "ovarian_qian2020",
        "malt_lymphoma_10x",
        "aml027_pre_zheng2017",
        "lymphoma_bcell_multiome_10x",
        "pancreas_baron2016_human1",
        "pbmc_zheng2017_sorted",
    ],
    "pancreas_baron2016_human1": ["oligodendroglioma_tirosh2016", "pbmc4k_soupx", "ovarian_qian2020"],
}
NO_TRUTH = ("malt_lymphoma_10x", "aml027_pre_zheng2017")
HEALTHY = ("pancreas", "pbmc")  # patients of these files have no malignant cell
BINS = [0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the runs lie; they are resumed")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cores", default="2")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--references", nargs="+", choices=REFERENCES, default=[*REFERENCES])
    parser.add_argument("--flags", action="store_true", help="count the released version's flags")
    options = parser.parse_args()
    rows, told = [], []
    for reference, seed in product(options.references, options.seeds):
        folder = options.folder / f"{reference}_{seed}"
        truth = write_cohort(folder, options.data, reference, seed)
        run(folder, options.cores)
        for patient, malignant in truth.items():
            ids = {"reference": reference, "seed": seed, "patient": patient}
            rows.append(ids | count(folder, patient, malignant, options.flags))
            print(json.dumps(rows[-1]), flush=True)
            if not options.flags:
                told.append(probabilities(folder, patient, malignant))
    options.out.write_text(json.dumps(rows, indent=1))
    if told:
        print(reliability(pd.concat(told)).to_string())


def write_cohort(folder: Path, data: Path, reference: str, seed: int) -> dict[str, pd.Series | None]:
    """Samples, sheet and config of a run; by patient which cells are malignant, where it is known."""
    folder.mkdir(parents=True, exist_ok=True)
    sheet, truth = [], {}
    for name in REFERENCES[reference]:
        cells = ad.read_h5ad(data / f"{name}.h5ad")
        donors = cells.obs["donor"].astype(str) if "donor" in cells.obs else pd.Series(name, index=cells.obs_names)
        for donor in sorted(donors.unique()):
            patient = f"{name.partition('_')[0]}_{donor}".replace(" ", "_")
            part = cells[(donors == donor).to_numpy()].copy()
            path = folder / f"{patient}.h5ad"
            if not path.exists():
                part.write_h5ad(path)
            sheet.append({"sample_id": patient, "patient_id": patient, "path": str(path)})
            truth[patient] = None if name in NO_TRUTH else malignant_cells(part)
    pd.DataFrame(sheet).to_csv(folder / "samples.tsv", sep="\t", index=False)
    labelled = ad.read_h5ad(data / f"{reference}.h5ad")
    labelled[~labelled.obs["cell_type"].astype(str).isin(["unknown"])].copy().write_h5ad(folder / "reference.h5ad")
    config = {
        "samples": str(folder / "samples.tsv"),
        "reference": {"path": str(folder / "reference.h5ad"), "label": "cell_type", "donor": None},
        "train": {"epochs": 3, "seed": seed},  # labels rest on the linear member here
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return truth


def malignant_cells(cells: ad.AnnData) -> pd.Series | None:
    if "malignant" in cells.obs:
        return cells.obs["malignant"].astype(str).isin(["True", "true", "1"])
    if "cell_type" in cells.obs:
        return cells.obs["cell_type"].astype(str) == "Malignant"
    return None


def run(folder: Path, cores: str) -> None:
    command = ["snakemake", "--snakefile", str(REPO / "Snakefile"), "--directory", str(folder), "--cores", cores]
    command += ["--configfile", str(folder / "config.yaml"), "--quiet", "all", "--rerun-incomplete", "--keep-going"]
    subprocess.run([sys.executable, "-m", *command], check=True)


def count(folder: Path, patient: str, malignant: pd.Series | None, flags: bool) -> dict:
    """Shares of the cells by verdict, of malignant and other cells apart where they are known."""
    sample = folder / "results" / "samples" / patient
    if flags:
        cells = pd.read_parquet(sample / "annotation.parquet").set_index("cell_id")
        calls = pd.read_parquet(sample / "cnv_cells.parquet").set_index("cell_id")["cnv_call"].reindex(cells.index)
        found = np.select([calls == "aneuploid", cells["is_ood"]], ["malignant", "unexplained"], "normal")
        verdict = pd.Series(found, index=cells.index)
    else:
        verdict = pd.read_parquet(sample / "verdict.parquet").set_index("cell_id")["verdict"]
    known = None if malignant is None else malignant.reindex(verdict.index)
    groups = {"cells": verdict} if known is None else {"malignant": verdict[known], "others": verdict[~known]}
    return {
        name: {"n": len(part)} | part.value_counts(normalize=True).round(4).to_dict()
        for name, part in groups.items()
        if len(part)
    }


def probabilities(folder: Path, patient: str, malignant: pd.Series | None) -> pd.DataFrame:
    """p_malignant of a patient's cells and whether they are malignant; no row where that is not known."""
    cells = pd.read_parquet(folder / "results" / "samples" / patient / "verdict.parquet").set_index("cell_id")
    if malignant is None and not patient.startswith(HEALTHY):
        return cells[["p_malignant"]].assign(malignant=False)[:0]
    known = False if malignant is None else malignant.reindex(cells.index)
    return cells[["p_malignant"]].assign(malignant=known)


def reliability(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells, mean p_malignant and share of malignant cells by range of p_malignant; prints the Brier score."""
    malignant = cells["malignant"].astype(bool)
    print(f"Brier score {((cells['p_malignant'] - malignant) ** 2).mean():.4f} over {len(cells):,} cells")
    ranges = pd.cut(cells["p_malignant"], BINS, include_lowest=True)
    table = cells.assign(malignant=malignant).groupby(ranges, observed=True)
    return table.agg(n=("malignant", "size"), said=("p_malignant", "mean"), are=("malignant", "mean")).round(3)


if __name__ == "__main__":
    main()
