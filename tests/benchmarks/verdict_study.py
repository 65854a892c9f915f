"""How right the verdict is, on a finished results folder whose cells' truth is known.

    PYTHONPATH=scripts .venv/bin/python tests/benchmarks/verdict_study.py RESULTS --truth P13=P13.h5ad P14=P14.h5ad \\
        --column cell_type --malignant Epithelial

judges every named sample (taken as a patient of its own) anew, from the tables that the folder has, and prints recall,
share of the normal cells called malignant, and a reliability table: of the cells in a range of p_malignant, the share
that is malignant. `--positional` says where the p-values of positional evidence come from: `measured`
(positional.parquet of the samples), `none`, or `simulated`: groups of cells of one annotated type with a share of
strangers, and p-values that miss a part of the malignant neighbourhoods. `--no-cnv` leaves copy number out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from cellcohort.outputs.parquet import empty, read_frame
from cellcohort.outputs.schemas import CNV_ARMS
from cellcohort.verdict.decision import MALIGNANT, VERDICTS
from cellcohort.verdict.patient_verdict import gather_cells, judge_patient

BINS = [0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1]
NEIGHBOURS, STRANGERS, MISSED = 5, 0.02, 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--truth", nargs="+", required=True, help="SAMPLE=FILE.h5ad")
    parser.add_argument("--column", default="cell_type")
    parser.add_argument("--malignant", nargs="+", required=True)
    parser.add_argument("--positional", choices=["measured", "simulated", "none"], default="measured")
    parser.add_argument("--no-cnv", action="store_true")
    options = parser.parse_args()
    parts = []
    for number, pair in enumerate(options.truth):
        sample, _, file = pair.partition("=")
        cells = judged_cells(options, sample, np.random.default_rng(number), file)
        show(sample, cells)
        parts.append(cells)
    if len(parts) > 1:
        show("all", pd.concat(parts))


def judged_cells(options: argparse.Namespace, sample: str, rng: np.random.Generator, file: str) -> pd.DataFrame:
    """The verdicts of one sample, with `malignant` (bool) and the annotated `type`."""
    folder = options.results / "samples" / sample
    truth = ad.read_h5ad(file, backed="r").obs[options.column].astype(str)
    annotation = read_frame(folder / "annotation.parquet")
    ids = {"sample_id": sample, "patient_id": annotation["patient_id"].iloc[0]}
    patient = options.results / "patients" / ids["patient_id"]
    measured = [folder / "positional.parquet"] if options.positional == "measured" else []
    calls = None if options.no_cnv else patient / "cnv_cells.parquet"
    cells = gather_cells([ids], annotation=[folder / "annotation.parquet"], positional=measured, cnv_cells=calls)
    kind = cells["cell_id"].map(truth)
    if options.positional == "simulated":
        cells = cells.assign(**simulated(kind.isin(options.malignant).to_numpy(), kind.to_numpy(), rng))
    arms = empty(CNV_ARMS).to_pandas() if options.no_cnv else read_frame(patient / "cnv_arms.parquet")
    judged = judge_patient(cells, arms, {})
    return judged.assign(type=kind.to_numpy(), malignant=kind.isin(options.malignant).to_numpy())


def simulated(malignant: np.ndarray, kind: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Groups, neighbourhoods and p-values as positional evidence might have them."""
    n = len(malignant)
    group = pd.factorize(pd.Series(kind).where(rng.random(n) >= STRANGERS, rng.permutation(kind)), sort=True)[0]
    order = np.lexsort((rng.random(n), malignant & (rng.random(n) >= STRANGERS), group))
    neighbourhood = np.empty(n, dtype=int)
    neighbourhood[order] = np.arange(n) // NEIGHBOURS
    p = {name: _pvalues(malignant, units, rng) for name, units in (("own", neighbourhood), ("group", group))}
    chains = {"kappa": 0.0, "lambda": 0.0}
    return {"group": group, "neighbourhood": neighbourhood, "pvalue": p["own"], "group_pvalue": p["group"], **chains}


def _pvalues(malignant: np.ndarray, units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uniform where most of a unit is normal; of most other units very small."""
    most = np.bincount(units, malignant) > 0.5 * np.bincount(units)
    seen = most & (rng.random(len(most)) >= MISSED)
    return np.where(seen, 10.0 ** -rng.uniform(2, 8, len(most)), rng.random(len(most)))[units]


def show(title: str, cells: pd.DataFrame) -> None:
    """Print verdicts by truth, recall, false rate and reliability."""
    called = cells["verdict"] == MALIGNANT
    table = pd.crosstab([cells["malignant"], cells["type"]], cells["verdict"]).reindex(columns=VERDICTS, fill_value=0)
    print(f"\n{title}: {len(cells)} cells\n{table.to_string()}")
    recall, false = called[cells["malignant"]].mean(), called[~cells["malignant"]].mean()
    print(f"recall {recall:.3f}, of normal cells malignant {false:.4f}, reasons {dict(cells['reason'].value_counts())}")
    ranges = pd.cut(cells["p_malignant"], BINS, include_lowest=True)
    of_range = cells.groupby(ranges, observed=True)
    print(of_range.agg(n=("malignant", "size"), said=("p_malignant", "mean"), are=("malignant", "mean")).round(3))


if __name__ == "__main__":
    main()
