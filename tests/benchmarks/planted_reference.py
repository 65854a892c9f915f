"""Planted tumours whose cells pass for a normal type: calls and verdicts by number of altered arms.

    python tests/benchmarks/planted_reference.py --data ../shared/data --out planted_reference.json

Healthy blood and pancreas with losses and gains planted into about a third of the cells of one type
(`cnv_study.simulate`, one clone). A share of these carry their type's label at a confidence of 0.99 and unflagged,
the others are OOD with the same label. `released` believes labels; `current` has positional evidence as the workflow
measures it, against the other tissue, refuses groups that disagree on the arms, and gives verdicts.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad
import numpy as np
import pandas as pd
from cnv_study import TISSUES, Scenario, load, simulate
from contaminated_reference import call, figures, positional
from positional_study import BLOOD, PANCREAS, reference
from tasks import study_options

from cellcohort.cnv.patient_samples import Sample
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.schemas import CNV_ARMS
from cellcohort.verdict.patient_verdict import judge_patient

N_ARMS, SHARES = (1, 3, 6, 10), (0.3, 0.6, 1.0)
AGAINST = {"blood": PANCREAS, "pancreas": BLOOD}


def main() -> None:
    options = study_options(__doc__)
    rows = []
    for tissue, other in AGAINST.items():
        healthy, cells = reference(options.data / f"{other}.h5ad"), load(options.data, tissue)
        for lineage in TISSUES[tissue][1]:
            for n_arms in N_ARMS:
                for seed in options.seeds:
                    patient, _ = simulate(cells, lineage, Scenario(trunk=n_arms, private=0), seed)
                    ids = {"tissue": tissue, "lineage": lineage, "arms": n_arms, "seed": seed}
                    rows += [ids | row for row in study(patient, lineage, healthy, seed)]
            print(summary(rows, ["tissue", "lineage", "arms", "rule"]).tail(2 * len(N_ARMS)).to_string(), flush=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")
    print(summary(rows, ["arms", "share", "rule"]).to_string())


def study(patient: ad.AnnData, lineage: str, healthy, seed: int) -> list[dict]:
    """Figures of one patient by share of the malignant cells that pass for normal and by rule."""
    malignant, rows = patient.obs["malignant"].to_numpy(), []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "patient.h5ad"
        ad.AnnData(patient.X, obs=patient.obs[[]], var=patient.var).write_h5ad(path)
        table = positional(open_counts(path), healthy)
        for share in SHARES:
            annotation = annotate(patient, malignant, share, seed)
            one = Sample("P", open_counts(path), annotation)
            for rule in ("released", "current"):
                result = call("blocks" if rule == "current" else rule, one, table, None)
                found = figures(result.cells, malignant)
                if rule == "current":
                    found |= verdicts(result, annotation, table, malignant)
                rows.append({"share": share, "rule": rule} | found)
    return rows


def annotate(patient: ad.AnnData, malignant: np.ndarray, share: float, seed: int) -> pd.DataFrame:
    """Labels of the types; a share of the malignant cells is not OOD."""
    rows = np.flatnonzero(malignant)
    ood = malignant.copy()
    ood[np.random.default_rng(seed).choice(rows, round(share * len(rows)), replace=False)] = False
    labels = patient.obs["lineage"].astype(str).to_numpy()
    return pd.DataFrame({"cell_id": patient.obs_names, "label": labels, "confidence": 0.99, "is_ood": ood})


def verdicts(result, annotation: pd.DataFrame, table: pd.DataFrame, malignant: np.ndarray) -> dict[str, float]:
    """Shares of malignant and of normal cells by verdict."""
    called = result.cells[["cell_id", "llr", "cnv_call", "clone", "lineage", "reference_source", "reason"]]
    cells = annotation.merge(table, on="cell_id").merge(called.rename(columns={"reason": "cnv_reason"}), on="cell_id")
    cells = cells.assign(sample_id="P", patient_id="P")
    arms = result.arms.assign(patient_id="P")[CNV_ARMS.names]
    judged = judge_patient(cells, arms, {})["verdict"].to_numpy()
    kinds = {"malignant": malignant, "normal": ~malignant}
    return {
        f"{kind} cells {verdict}": float((judged[chosen] == verdict).mean())
        for kind, chosen in kinds.items()
        for verdict in ("malignant", "normal", "unsure")
    }


def summary(rows: list[dict], keys: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    return table.groupby(keys, sort=False).mean(numeric_only=True).drop(columns=["seed"]).round(3)


if __name__ == "__main__":
    main()
