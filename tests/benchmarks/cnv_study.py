"""Quality of the copy-number calls on semi-synthetic tumours: real cells, events made by thinning and resampling.

    python tests/benchmarks/cnv_study.py --data ../shared/data --out cnv_study.json [--seeds 5]

A loss thins each count on an arm to a half (binomial); a gain adds a binomial half of it. Nothing is drawn from the
model that makes the calls. Every seed draws its own cells, arms, clones and depth.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.metrics import adjusted_rand_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from cellcohort.cnv.call_copy_number import call_copy_number
from cellcohort.cnv.cell_groups import GROUP
from cellcohort.genes.chromosome_arms import lay_out_arms
from cellcohort.genes.positions import place_genes
from cellcohort.inputs.resources import chromosome_arms, gene_positions

TISSUES = {
    "blood": ("pbmc4k_soupx.h5ad", ["MNP", "T_CD4", "T_CD8", "B"]),
    "pancreas": ("pancreas_baron2016_human1.h5ad", ["ductal", "alpha", "beta", "delta"]),
    "ovary": ("ovarian_qian2020.h5ad", ["Fibroblast", "Macrophage", "Endothelial"]),
}
"""File and the lineages that are made malignant, one by seed."""


@dataclass(frozen=True)
class Scenario:
    """What is done to the cells."""

    trunk: int = 3
    private: int = 2
    responding: float = 1.0
    batch: bool = False
    own_reference: bool = True
    depth: float | None = None


SCENARIOS = {
    "matched": Scenario(),
    "batch": Scenario(batch=True),
    "no_reference": Scenario(own_reference=False),
    "no_event": Scenario(trunk=0, private=0),
    "no_event_no_reference": Scenario(trunk=0, private=0, own_reference=False),
    "half_dosage": Scenario(responding=0.6),
    "single_arm": Scenario(trunk=1, private=0),
    "shallow": Scenario(depth=1500),
    "deep": Scenario(depth=5000),
}


def load(folder: Path, tissue: str) -> ad.AnnData:
    """Healthy labelled cells of one tissue."""
    adata = ad.read_h5ad(folder / TISSUES[tissue][0])
    if tissue == "ovary":
        adata = adata[(adata.obs["cell_type"] != "Epithelial") & adata.obs["donor"].isin(["P11", "P13"])]
    size = adata.obs["cell_type"].value_counts()
    return adata[adata.obs["cell_type"].isin(size.index[size >= 30])].copy()


def simulate(
    healthy: ad.AnnData, lineage: str, scenario: Scenario, seed: int, *, genome: str = "hg38"
) -> tuple[ad.AnnData, pd.DataFrame]:
    """A patient made of healthy cells, and the true dosage of each clone (clones x arms).

    obs: lineage, is_reference, malignant, true_clone (-1 for normal cells).
    """
    rng = np.random.default_rng([seed, 20261122])
    counts = sparse.csr_matrix(healthy.X).astype(np.int64)
    genes = place_genes(healthy.var_names, gene_positions(genome))
    layout = lay_out_arms(genes, chromosome_arms(genome))
    arm, names = layout.arm, layout.names
    reference = rng.random(healthy.n_obs) < 0.5
    own = (healthy.obs["cell_type"] == lineage).to_numpy()
    malignant = own & ~reference & (rng.random(healthy.n_obs) < 0.6)
    clone = np.where(malignant, rng.integers(0, 2, healthy.n_obs), -1)
    dosage = _draw_dosage(counts, genes, arm, names, scenario, rng)
    for number in range(2 if scenario.trunk else 0):
        factor = np.ones(healthy.n_vars)
        answers = rng.random(len(genes)) < scenario.responding
        factor[genes["column"][answers & (arm >= 0)]] = dosage.to_numpy()[number, arm[answers & (arm >= 0)]]
        counts = replace_rows(counts, clone == number, lambda part, factor=factor: change(part, factor, rng))
    if scenario.batch:
        factor = np.exp(rng.normal(0, 0.25, healthy.n_vars))
        factor[rng.choice(healthy.n_vars, 200, replace=False)] *= 4
        counts = replace_rows(counts, ~reference, lambda part: change(part, factor, rng))
    depth = rng.uniform(0.75, 1.0, healthy.n_obs)
    if scenario.depth:
        depth *= np.minimum(scenario.depth / 0.875 / np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1), 1.0)
    counts.data = rng.binomial(counts.data, np.repeat(depth, np.diff(counts.indptr)))
    if not scenario.own_reference:
        reference &= ~own
    obs = pd.DataFrame({
        "lineage": healthy.obs["cell_type"].astype(str).to_numpy(), "is_reference": reference,
        "malignant": malignant & (scenario.trunk > 0), "true_clone": clone,
    }, index=healthy.obs_names)  # fmt: skip
    keep = np.asarray(counts.sum(axis=1)).ravel() >= 200
    return ad.AnnData(counts.astype(np.float32), obs=obs, var=healthy.var[[]])[keep].copy(), dosage


def _draw_dosage(counts, genes, arm, names: list[str], scenario: Scenario, rng) -> pd.DataFrame:
    """Trunk and private arms of two clones, among arms that hold at least 1 % of the counts."""
    mass = np.bincount(arm[arm >= 0], weights=np.asarray(counts.sum(axis=0)).ravel()[genes["column"]][arm >= 0])
    number = scenario.trunk + 2 * scenario.private
    chosen = rng.choice(np.flatnonzero(mass >= 0.01 * mass.sum()), number, replace=False)
    table = np.ones((2, len(names)))
    factor = rng.choice([0.5, 1.5], number)
    for clone in range(2):
        private = slice(scenario.trunk + clone * scenario.private, scenario.trunk + (clone + 1) * scenario.private)
        for part in (slice(0, scenario.trunk), private):
            table[clone, chosen[part]] = factor[part]
    return pd.DataFrame(table, columns=names)


def replace_rows(counts: sparse.csr_matrix, rows: np.ndarray, change) -> sparse.csr_matrix:
    """`counts` with some rows changed, in the same order."""
    where = np.concatenate([np.flatnonzero(~rows), np.flatnonzero(rows)])
    stacked = sparse.vstack([counts[~rows], change(counts[rows])], format="csr")
    return stacked[np.argsort(where, kind="stable")]


def change(part: sparse.csr_matrix, factor: np.ndarray, rng: np.random.Generator) -> sparse.csr_matrix:
    """Counts times a factor a gene: whole copies plus a binomial share of one more."""
    part = part.copy()
    times = factor[part.indices]
    part.data = part.data * np.floor(times).astype(np.int64) + rng.binomial(part.data, times % 1)
    part.eliminate_zeros()
    return part


def score(adata: ad.AnnData, dosage: pd.DataFrame, result) -> dict[str, float]:
    """Figures of one patient; normals are all query cells without events, of every lineage."""
    cells = result.cells.assign(**{name: adata.obs[name].to_numpy() for name in ("malignant", "true_clone")})
    query = cells[~adata.obs["is_reference"].to_numpy()]
    truth, called = query["malignant"].to_numpy(), (query["cnv_call"] == "aneuploid").to_numpy()
    hit, open_ = (truth & called).sum(), (query["cnv_call"] == "undetermined").to_numpy()
    figures = {
        "n_malignant": int(truth.sum()),
        "f1": 2 * hit / max(truth.sum() + called.sum(), 1),
        "recall": hit / max(truth.sum(), 1),
        "false_discovery": (called & ~truth).sum() / max(called.sum(), 1),
        "false_calls": called[~truth].mean(),
        "undetermined": open_.mean(),
        "undetermined_malignant": open_[truth].mean() if truth.any() else np.nan,
        "auc": np.nan,
        "ari": np.nan,
        "clones": query["clone"].nunique(),
        "called_arms": float((result.arms["call"] != 0).mean()),
    }  # fmt: skip
    if truth.any():
        figures["auc"] = roc_auc_score(truth, query["llr"].fillna(query["llr"].min()).fillna(0))
        found = query[truth & called]
        figures["ari"] = adjusted_rand_score(found["true_clone"], found["clone"]) if len(found) else np.nan
        figures |= score_arms(query, dosage, result.arms)
    return {name: float(value) for name, value in figures.items()}


def score_arms(query: pd.DataFrame, dosage: pd.DataFrame, arms: pd.DataFrame) -> dict[str, float]:
    """Precision, recall and F1 of group-arms; a group's truth is that of most of its cells."""
    truth = query.groupby(GROUP, dropna=False)["true_clone"].agg(lambda x: x.mode()[0]).reset_index()
    arms = arms.merge(truth.astype({"clone": object}), on=GROUP)
    clone = arms["true_clone"].to_numpy()
    padded = np.vstack([dosage.to_numpy(), np.ones(dosage.shape[1])])
    real = np.sign(padded[clone, dosage.columns.get_indexer(arms["arm"])] - 1)
    call = arms["call"].to_numpy()
    right = ((call == real) & (call != 0)).sum()
    precision, recall = right / max((call != 0).sum(), 1), right / max((real != 0).sum(), 1)
    return {
        "arm_precision": precision if (call != 0).any() else np.nan,
        "arm_recall": recall,
        "arm_f1": 2 * precision * recall / max(precision + recall, 1e-9),
    }


def run(folder: Path, tissues: Sequence[str], scenarios: Sequence[str], seeds: Sequence[int]) -> pd.DataFrame:
    """One row a tissue, scenario and seed."""
    rows = []
    for tissue in tissues:
        healthy = load(folder, tissue)
        for name in scenarios:
            for seed in seeds:
                lineage = TISSUES[tissue][1][seed % len(TISSUES[tissue][1])]
                adata, dosage = simulate(healthy, lineage, SCENARIOS[name], seed)
                start = time.process_time()
                result = call_copy_number(
                    adata, lineage="lineage", reference="is_reference", positions=gene_positions()
                )
                row = {"tissue": tissue, "scenario": name, "seed": seed, "lineage": lineage}
                rows.append(row | score(adata, dosage, result) | {"cpu_s": time.process_time() - start})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tissues", nargs="+", default=list(TISSUES), choices=TISSUES)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=SCENARIOS)
    parser.add_argument("--rows", action="store_true", help="print every patient, not only means")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    table = run(options.data, options.tissues, options.scenarios, seeds)
    means = table.drop(columns=["seed", "lineage"]).groupby(["scenario", "tissue"], sort=False).mean()
    shown = table if options.rows else means
    print(shown.drop(columns=["n_malignant"]).round(3).to_string())
    options.out.write_text(json.dumps(table.to_dict("records"), indent=1))


if __name__ == "__main__":
    main()
