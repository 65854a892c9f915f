"""Copy-number calls when malignant cells pass for normal ones: the released rule beside the purified reference.

    python tests/benchmarks/contaminated_reference.py --data ../shared/data --out contaminated_reference.json

Ovarian carcinomas P11 and P12 (Qian et al. 2020): a share of the malignant cells gets the label of a normal lineage,
each in turn, at a confidence of 0.99 and unflagged; the other malignant cells are OOD, with the same label. `released`
believes labels (no positional evidence, no comparison on the arms); `arms` has expression groups but no evidence;
`blocks` has evidence, by positional autocorrelation of groups and of each cell with its four nearest against healthy
blood (`evidence`). Figures: malignant cells and normal cells called aneuploid and undetermined.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from scipy import sparse
from scipy.stats import norm

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from cellcohort.cnv import call_patient as module
from cellcohort.cnv.patient_samples import HealthyReference, Sample
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_positions

SHARES = (0.3, 0.6, 1.0)
RULES = ("released", "arms", "blocks")
_NEAREST, _RESOLUTION, _MIN_GROUP = 5, 2.0, 15
_NEAR, _FAR, _PSEUDO, _EXPRESSED, _CLIP = 5, 80, 5.0, 20.0, 3.0
_FAMILIES = re.compile(r"^(HLA-|IG[HKL][VDJCGAME]|TR[ABGD][VDJC]|HIST|KRT|MT[12][A-Z]|HB[ABDEGMQZ]|S100|CXCL|CCL|IFI)")
_SCALE = norm.isf(1e-3) / 4  # a z of 4 is taken as p = 0.001


def groups_of(adata: ad.AnnData) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Expression groups, and each cell with its four nearest (n_cells, n_cells)."""
    work = adata.copy()
    sc.pp.normalize_total(work, target_sum=1e4)
    sc.pp.log1p(work)
    sc.pp.highly_variable_genes(work, n_top_genes=2000)
    sc.pp.pca(work, n_comps=30)
    sc.pp.neighbors(work, n_neighbors=_NEAREST, key_added="nearest")
    sc.pp.neighbors(work, n_neighbors=15)
    sc.tl.leiden(work, resolution=_RESOLUTION, flavor="igraph", n_iterations=2, directed=False)
    near = (work.obsp["nearest_distances"] > 0).astype(float) + sparse.eye(work.n_obs)
    return work.obs["leiden"].astype(int).to_numpy(), sparse.csr_matrix(near)


def evidence(sums: np.ndarray, healthy: np.ndarray, chromosome: np.ndarray, names: np.ndarray) -> np.ndarray:
    """z of each row of summed counts (n, genes in genome order): do neighbouring genes differ from healthy alike?

    The smallest z over the healthy types (types, genes).
    """
    depth = sums.sum(axis=1, keepdims=True)
    result = np.full(len(sums), np.inf)
    family = np.array([bool(_FAMILIES.match(name)) for name in names])
    for one in healthy:
        expected = one / one.sum() * 1e6
        used = (expected > _EXPRESSED) & ~family
        pseudo = np.maximum(_PSEUDO, 1e6 / depth)
        x = np.log2(sums[:, used] / depth * 1e6 + pseudo) - np.log2(expected[used] + _PSEUDO)
        level = np.log10(expected[used] + 10)
        q, _ = np.linalg.qr(np.stack([np.ones(used.sum()), level, level**2], axis=1))
        x = x - (x @ q) @ q.T
        x = np.clip(x / (np.median(np.abs(x), axis=1, keepdims=True) * 1.4826), -_CLIP, _CLIP)
        x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
        form, size = _neighbours_agree(x, chromosome[used])
        result = np.minimum(result, (form + size / (used.sum() - 1)) / np.sqrt(2 * size))
    return result


def _neighbours_agree(x: np.ndarray, chromosome: np.ndarray) -> tuple[np.ndarray, int]:
    """Sum of products over pairs of genes 5 to 80 apart on a chromosome, and the number of pairs, each twice."""
    total, size = np.zeros(len(x)), 0
    for one in np.unique(chromosome):
        part = x[:, chromosome == one]
        number = part.shape[1]
        sums = np.concatenate([np.zeros((len(part), 1)), np.cumsum(part, axis=1)], axis=1)
        index = np.arange(number)
        ahead = sums[:, np.minimum(index + _FAR + 1, number)] - sums[:, np.minimum(index + _NEAR, number)]
        total += 2 * (part * ahead).sum(axis=1)
        size += 2 * sum(max(number - lag, 0) for lag in range(_NEAR, _FAR + 1))
    return total, size


def positional(adata: ad.AnnData, blood: ad.AnnData) -> pd.DataFrame:
    """The table of positional evidence of a patient, against healthy blood."""
    group, near = groups_of(adata)
    places = gene_positions().drop_duplicates("symbol").set_index("symbol")
    places = places[~places["chromosome"].isin(["chrX", "chrY", "chrM"])]
    genes = places.index[places.index.isin(adata.var_names) & places.index.isin(blood.var_names)]
    placed = places.loc[genes].sort_values(["chromosome", "start"])
    counts, normal = sparse.csr_matrix(adata[:, placed.index].X), sparse.csr_matrix(blood[:, placed.index].X)
    types = blood.obs["cell_type"].astype(str).to_numpy()
    healthy = np.stack([
        np.asarray(normal[types == one].sum(axis=0)).ravel() for one in np.unique(types) if (types == one).sum() >= 50
    ])  # fmt: skip
    rows = (healthy, placed["chromosome"].to_numpy(), placed.index.to_numpy())
    z = evidence((near @ counts).toarray(), *rows)
    member = sparse.csr_matrix((np.ones(len(group)), (group, np.arange(len(group)))))
    group_z = evidence((member @ counts).toarray(), *rows)
    large = np.bincount(group) >= _MIN_GROUP
    return pd.DataFrame({
        "cell_id": adata.obs_names, "z": z, "pvalue": norm.sf(z * _SCALE), "group": group, "group_z": group_z[group],
        "group_pvalue": np.where(large, norm.sf(group_z * _SCALE), np.nan)[group],
    })  # fmt: skip


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


def study(folder: Path, donors: list[str], scratch: Path, *, borrow: bool, shares: list[float]) -> pd.DataFrame:
    """One row a patient, lineage, share and rule."""
    whole, blood = ad.read_h5ad(folder / "ovarian_qian2020.h5ad"), ad.read_h5ad(folder / "pbmc4k_soupx.h5ad")
    healthy, rows = None, []
    if borrow:
        other = whole[((whole.obs["donor"] == "P13") & (whole.obs["cell_type"] != "Epithelial")).to_numpy()].copy()
        other.write_h5ad(scratch / "healthy.h5ad")
        healthy = HealthyReference(open_counts(scratch / "healthy.h5ad"), other.obs["cell_type"].astype(object))
    for donor in donors:
        adata = whole[(whole.obs["donor"] == donor).to_numpy()].copy()
        malignant = (adata.obs["cell_type"] == "Epithelial").to_numpy()
        adata.write_h5ad(scratch / f"{donor}.h5ad")
        table = positional(adata, blood)
        lineages = sorted(set(adata.obs["cell_type"].astype(str)) - {"Epithelial"})
        for lineage, share in [(None, 0.0), *((lineage, share) for lineage in lineages for share in shares)]:
            annotation = contaminate(adata, lineage or "Fibroblast", share, 0)
            one = Sample(donor, open_counts(scratch / f"{donor}.h5ad"), annotation)
            for rule in RULES:
                start = time.process_time()
                result = call(rule, one, table, healthy)
                row = {"donor": donor, "lineage": lineage or "none", "share": share, "rule": rule}
                rows.append(row | figures(result.cells, malignant) | {"cpu_s": time.process_time() - start})
                print(" ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in rows[-1].values()), flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--donors", nargs="+", default=["P11", "P12"])
    parser.add_argument("--shares", nargs="+", type=float, default=SHARES)
    parser.add_argument("--borrow", action="store_true", help="with the normal cells of P13 as the healthy reference")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        table = study(options.data, options.donors, Path(scratch), borrow=options.borrow, shares=options.shares)
    keys = ["donor", "share", "rule"]
    print(table.drop(columns="lineage").groupby(keys, sort=False).mean().round(3).to_string())
    options.out.write_text(json.dumps(table.to_dict("records"), indent=1))


if __name__ == "__main__":
    main()
