"""Origins: left-out types that have a sibling in the reference, and two unlabelled patients mapped on healthy blood.

    python tests/benchmarks/origin_study.py --data ../shared/data --out origin_study.json

A type is left out of the reference, and its cells of the query are asked for their origin: the share that names a
sibling. Then AML027 (bone marrow, acute myeloid leukaemia before transplantation) and MALT (a lymphoma)
on pbmc4k: the share of OOD cells, and the origins of these.
"""

from __future__ import annotations

import json
from pathlib import Path

import anndata as ad
import numpy as np
from ood_study import call_query
from tasks import make_task, read_cells, split_cells, study_options

T_CELLS = {"thelper", "memoryt", "regulatoryt", "naivet"}
SIBLINGS = (  # task, type left out, its siblings
    ("pancreas", "activated_stellate", {"quiescent_stellate"}),
    ("pancreas", "quiescent_stellate", {"activated_stellate"}),
    ("zheng to pbmc4k", "T_CD4", {"T_CD8"}),
    ("zheng to pbmc4k", "T_CD8", {"T_CD4"}),
    ("pbmc4k to zheng", "T_CD4", {"T_CD8"}),
    ("pbmc4k to zheng", "T_CD8", {"T_CD4"}),
    ("zheng, fine labels", "regulatoryt", T_CELLS),
    ("zheng, fine labels", "memoryt", T_CELLS),
)
PATIENTS = ("aml027_pre_zheng2017", "malt_lymphoma_10x")


def main() -> None:
    options = study_options(__doc__)
    rows = [sibling(options.data, *case, seed=seed) for case in SIBLINGS for seed in options.seeds]
    rows += [patient(options.data, name, seed=options.seeds[0]) for name in PATIENTS]
    for row in rows:
        print(json.dumps(row), flush=True)
    options.out.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


def sibling(data: Path, base: str, left_out: str, siblings: set[str], *, seed: int) -> dict:
    """How many cells of the left-out type name a sibling as their origin."""
    reference, query = split_cells(data, base, seed)
    task = make_task(base, reference, query[(query.obs["type"] == left_out).to_numpy()], left_out, seed=seed)
    names, compared, *_ = call_query(task, seed)
    origins = names[compared.origins]
    return {"task": base, "type": left_out, "seed": seed, "sibling": float(np.isin(origins, list(siblings)).mean())}


def patient(data: Path, name: str, *, seed: int) -> dict:
    """OOD cells of an unlabelled patient among healthy blood cells, and their origins."""
    healthy = read_cells(data / "pbmc4k_soupx.h5ad")
    cells = ad.read_h5ad(data / f"{name}.h5ad")
    cells = cells[np.asarray((cells.X > 0).sum(1)).ravel() >= 200]
    cells.obs = cells.obs.assign(type="unlabelled", donor=name)[["type", "donor"]]
    task = make_task(name, healthy[(healthy.obs["type"] != "unknown").to_numpy()], cells, "", seed=seed)
    names, compared, called, shift = call_query(task, seed)
    origins = names[compared.origins[called]]
    shares = {str(n): round(float(np.mean(origins == n)), 3) for n in np.unique(origins)}
    return {"patient": name, "cells": len(called), "ood": float(called.mean()), "shift": shift.shift, "origins": shares}


if __name__ == "__main__":
    main()
