"""Blocks along the genome across species: mouse cells on human healthy types, and human cells on mouse ones.

    PYTHONPATH=scripts python tests/benchmarks/species_study.py --data ../shared/data --out species_study.json

Each patient of a file is measured against healthy types of its own and of the other species. Printed: z that a
quarter, half and a twentieth of the other cells exceed, and the share with positional evidence of malignant and of
other cells. Then mouse immune cells and human blood, in three tenths of the cells of one type of which chromosomes or
arms are planted as lost or gained (`cnv_study.simulate`), beside the others of their type or without these.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad
import numpy as np
import pandas as pd
from cnv_study import Scenario, simulate
from positional_study import BLOOD, PANCREAS, donors, reference, variable
from tasks import study_options

from cellcohort.inputs.counts import Counts, open_counts
from cellcohort.inputs.resources import gene_positions
from cellcohort.positional.evidence import altered
from cellcohort.positional.healthy_types import HealthyTypes
from cellcohort.positional.measure_sample import measure_cells

MOUSE, MOUSE_LUNG = "mouse_immune_tabula_muris", "mouse_lung_immune_zilionis2019"
REFERENCES = (BLOOD, PANCREAS, MOUSE, MOUSE_LUNG)
SAMPLES = (MOUSE, MOUSE_LUNG, BLOOD, PANCREAS, "pbmc_zheng2017_sorted", "ovarian_qian2020")
PLANTED = {MOUSE: ("GRCm39", (BLOOD, MOUSE_LUNG)), BLOOD: ("hg38", (PANCREAS, MOUSE))}
N_CHANGED = (0, 3, 6, 10)
N_TYPES = 2  # the largest of a file


def main() -> None:
    options = study_options(__doc__)
    healthy = {name: reference(options.data / f"{name}.h5ad") for name in REFERENCES}
    rows = [row for name in SAMPLES for row in real(options.data / f"{name}.h5ad", healthy)]
    print(pd.DataFrame(rows).round(3).to_string(index=False), flush=True)
    planted_rows = planted(options.data, healthy, options.seeds)
    keys = ["file", "beside", "changed", "reference"]
    print(pd.DataFrame(planted_rows).groupby(keys)[["malignant", "others"]].mean().round(3).unstack().to_string())
    options.out.write_text(json.dumps({"real": rows, "planted": planted_rows}, indent=1) + "\n")


def real(path: Path, healthy: dict[str, HealthyTypes]) -> list[dict]:
    """A row for each patient and reference, but for the file's own."""
    counts, rows = open_counts(path), []
    for donor, cells in donors(counts).items():
        malignant = counts.obs_column("cell_type")[cells] == "Epithelial"
        malignant &= path.stem == "ovarian_qian2020"
        for name, types in healthy.items():
            if name != path.stem:
                table = measure(counts, cells, types)
                quantiles = table["z"][~malignant].quantile([0.25, 0.5, 0.95]).tolist()
                z = dict(zip(("z 25 %", "z 50 %", "z 95 %"), quantiles, strict=True))
                rows.append({"file": path.stem, "patient": donor, "reference": name} | z | shares(table, malignant))
    return rows


def planted(folder: Path, healthy: dict[str, HealthyTypes], seeds: list[int]) -> list[dict]:
    """A row for each file, type, number of chromosomes or arms, seed and reference."""
    rows = []
    for file, (genome, references) in PLANTED.items():
        whole = ad.read_h5ad(folder / f"{file}.h5ad")
        types = whole.obs["cell_type"].value_counts().index[:N_TYPES]
        for lineage, number, seed in product(types, N_CHANGED, seeds):
            patient, _ = simulate(whole, lineage, Scenario(trunk=number, private=0), seed, genome=genome)
            own = (patient.obs["lineage"] == lineage).to_numpy()
            carriers = own & (patient.obs["true_clone"] >= 0).to_numpy()
            ids = {"file": file, "lineage": lineage, "changed": number, "seed": seed}
            for beside, kept in (("own type", np.ones(len(own), bool)), ("other types", carriers | ~own)):
                given = {name: healthy[name] for name in references}
                found = planted_evidence(patient[kept].copy(), carriers[kept], given)
                rows += [ids | {"beside": beside, "reference": name} | row for name, row in found.items()]
    return rows


def planted_evidence(patient: ad.AnnData, carriers: np.ndarray, healthy: dict[str, HealthyTypes]) -> dict[str, dict]:
    """Shares of the carriers and of the other cells, by reference."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "patient.h5ad"
        patient.write_h5ad(path)
        counts = open_counts(path)
        rows = np.arange(counts.n_cells)
        return {name: shares(measure(counts, rows, types), carriers) for name, types in healthy.items()}


def measure(counts: Counts, rows: np.ndarray, healthy: HealthyTypes) -> pd.DataFrame:
    """The positional table of some cells."""
    vocabulary = variable(counts, rows)
    return measure_cells(counts, rows, healthy, positions=gene_positions("hg38"), vocabulary=vocabulary)


def shares(table: pd.DataFrame, malignant: np.ndarray) -> dict[str, float]:
    """Share with positional evidence of malignant cells (NaN without any) and of the others."""
    found = altered(table)
    return {
        "malignant": float(found[malignant].mean()) if malignant.any() else float("nan"),
        "others": float(found[~malignant].mean()),
    }


if __name__ == "__main__":
    main()
