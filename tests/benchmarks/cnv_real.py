"""Copy-number calls on real tumours whose malignant cells are known: an oligodendroglioma and an ovarian carcinoma.

    python tests/benchmarks/cnv_real.py --data ../shared/data --out cnv_real.json [--seeds 5]

Half (oligodendroglioma) or 70 % (ovary) of the normal cells of each type serve as reference, drawn anew for each seed;
all figures are of the other cells. A file that is absent is skipped.

The oligodendroglioma (Tirosh et al. 2016; 184 cells, min_reference=8) is called by patient and as one file; its
malignant cells have a lineage of their own, without a normal cell, or carry the label of the most frequent normal type.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from cellcohort.cnv.call_copy_number import CnvResult, call_copy_number
from cellcohort.cnv.cell_groups import GROUP
from cellcohort.inputs.resources import gene_positions

OLIGODENDROGLIOMA = "oligodendroglioma_tirosh2016.h5ad"
OVARY = "ovarian_qian2020.h5ad"
LOST = ("1p", "19q")


def half_of_each_type(types: pd.Series, normal: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A share of the normal cells of each type (n_cells,) bool, rounded up."""
    chosen = np.zeros(len(types), dtype=bool)
    for name in sorted(types[normal].unique()):
        rows = np.flatnonzero((types == name).to_numpy() & normal)
        chosen[rng.choice(rows, int(np.ceil(share * len(rows))), replace=False)] = True
    return chosen


def main_groups(result: CnvResult, malignant: np.ndarray, donor: np.ndarray) -> dict[str, pd.Series]:
    """Calls by arm of the group that most malignant cells of each donor are in."""
    found = {}
    for name in np.unique(donor[malignant]):
        sizes = result.cells[malignant & (donor == name)].groupby(GROUP, dropna=False).size()
        largest = sizes.reset_index().astype({"clone": object}).nlargest(1, columns=0)
        found[name] = result.arms.merge(largest, on=GROUP).set_index("arm")["call"]
    return found


def oligodendroglioma(adata: ad.AnnData, *, whole: bool, own_lineage: bool, seed: int) -> dict:
    """One run over all malignant patients: figures of the query cells, and in how many patients 1p and 19q are lost."""
    malignant = (adata.obs["malignant"].astype(str) == "True").to_numpy()
    types = adata.obs["cell_type"].astype(str)
    lineage = types.to_numpy(dtype=object)
    if not own_lineage:
        lineage[malignant] = types[~malignant].mode()[0]
    reference = half_of_each_type(types, ~malignant, 0.5, np.random.default_rng(seed))
    adata.obs = adata.obs.assign(lineage=lineage, reference=reference)
    positions = adata.var.rename_axis("symbol").reset_index()
    donor = adata.obs["donor"].astype(str).to_numpy()
    tables, losses = [], {}
    for name in [None] if whole else np.unique(donor[malignant]):
        rows = np.ones(adata.n_obs, dtype=bool) if whole else ~malignant | (donor == name)
        options = {"lineage": "lineage", "reference": "reference", "positions": positions, "min_reference": 8}
        result = call_copy_number(adata[rows].copy(), **options)
        tables.append(result.cells.assign(malignant=malignant[rows], reference=reference[rows]))
        for patient, calls in main_groups(result, malignant[rows], donor[rows]).items():
            losses[patient] = all(calls.get(arm, 0) == -1 for arm in LOST)
    cells = pd.concat(tables)
    query = cells[~cells["reference"]]
    truth, called = query["malignant"].to_numpy(), (query["cnv_call"] == "aneuploid").to_numpy()
    return {
        "setting": f"{'one file' if whole else 'by patient'}, {'own' if own_lineage else 'normal'} lineage",
        "seed": seed,
        "auc": roc_auc_score(truth, query["llr"].fillna(-np.inf).clip(lower=-1e6)), "f1": f1_score(truth, called),
        "false_calls": called[~truth].mean(), "undetermined": (query["cnv_call"] == "undetermined").mean(),
        "patients": len(losses), "with_1p_and_19q_lost": sum(losses.values()),
    }  # fmt: skip


def ovary(adata: ad.AnnData, donor: str, seed: int) -> dict:
    """One patient: share of the epithelial cells and of the held-out other cells called aneuploid."""
    part = adata[(adata.obs["donor"] == donor).to_numpy()].copy()
    types = part.obs["cell_type"].astype(str)
    epithelial = (types == "Epithelial").to_numpy()
    reference = half_of_each_type(types, ~epithelial, 0.7, np.random.default_rng(seed))
    part.obs = part.obs.assign(reference=reference)
    result = call_copy_number(part, lineage="cell_type", reference="reference", positions=gene_positions())
    call = result.cells["cnv_call"].to_numpy()
    other = ~epithelial & ~reference
    called = result.arms[(result.arms["call"] != 0) & (result.arms["lineage"] == "Epithelial")]
    return {
        "donor": donor, "seed": seed, "n_epithelial": int(epithelial.sum()), "n_other": int(other.sum()),
        "epithelial_aneuploid": (call[epithelial] == "aneuploid").mean(),
        "epithelial_undetermined": (call[epithelial] == "undetermined").mean(),
        "other_aneuploid": (call[other] == "aneuploid").mean(), "arms": called["arm"].nunique(),
    }  # fmt: skip


def run(folder: Path, seeds: range) -> dict[str, list[dict]]:
    """The rows of both tables; a file that is absent has none."""
    rows: dict[str, list[dict]] = {"oligodendroglioma": [], "ovary": []}
    for name, file in zip(rows, (OLIGODENDROGLIOMA, OVARY), strict=True):
        if not (folder / file).is_file():
            print(f"{name}: skipped, {folder / file} is absent")
            continue
        adata = ad.read_h5ad(folder / file)
        if name == "ovary":
            rows[name] = [ovary(adata, donor, seed) for donor in sorted(adata.obs["donor"].unique()) for seed in seeds]
        else:
            settings = [(whole, own) for whole in (False, True) for own in (True, False)]
            rows[name] = [
                oligodendroglioma(adata, whole=whole, own_lineage=own, seed=seed)
                for whole, own in settings
                for seed in seeds
            ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", action="store_true", help="print every run, not only means")
    options = parser.parse_args()
    found = run(options.data, range(options.seeds))
    for name, key in (("oligodendroglioma", "setting"), ("ovary", "donor")):
        if found[name]:
            table = pd.DataFrame(found[name])
            shown = table if options.rows else table.drop(columns="seed").groupby(key, sort=False).mean()
            print(f"\n{name}\n{shown.round(3).to_string()}")
    options.out.write_text(json.dumps(found, indent=1, default=float))


if __name__ == "__main__":
    main()
