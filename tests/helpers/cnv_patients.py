"""Small synthetic patients for the copy-number tests: gamma-Poisson counts with known arms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from cellcohort.cnv.call_copy_number import CnvResult
from cellcohort.cnv.call_patient import call_patient
from cellcohort.cnv.patient_samples import Sample
from cellcohort.inputs.counts import open_counts

N_CHROMOSOMES = 6
GENES_PER_ARM = 150
ARMS = pd.DataFrame(
    [
        (f"chr{number}", arm, start, start + 10_000_000)
        for number in range(1, N_CHROMOSOMES + 1)
        for arm, start in (("p", 0), ("q", 10_000_000))
    ],
    columns=["chromosome", "arm", "start", "end"],
)
EVENTS = {"E/1": {"1p": 0.5, "2q": 1.5, "4p": 0.5, "6q": 1.5}}


def positions(seed: int = 0) -> pd.DataFrame:
    """150 genes on each of 12 arms."""
    rng = np.random.default_rng(seed)
    tables = [
        pd.DataFrame({
            "chromosome": row.chromosome,
            "start": np.sort(rng.choice(np.arange(row.start, row.end - 50_000, 1000), GENES_PER_ARM, replace=False)),
        })
        for row in ARMS.itertuples()
    ]  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    table["end"] = table["start"] + rng.integers(1000, 40_000, len(table))
    table.insert(0, "symbol", [f"G{number}" for number in range(len(table))])
    return table


def patient(
    sizes: dict[str, int], events: dict[str, dict[str, float]] | None = None, *, depth: int = 3000, seed: int = 0
) -> ad.AnnData:
    """Cells of some groups, named `lineage` or `lineage/clone`; `events` gives the dosage of arms by group.

    obs: lineage, reference (every second cell of a group without events), carrier, group.
    """
    rng = np.random.default_rng(seed)
    table = positions()
    arm = np.repeat(np.arange(len(ARMS)), GENES_PER_ARM)
    names = [f"{row.chromosome[3:]}{row.arm}" for row in ARMS.itertuples()]
    common = rng.normal(0, 1.2, len(table))
    lineages = sorted({name.split("/")[0] for name in sizes})
    own = {name: np.exp(common + np.random.default_rng([seed, i]).normal(0, 0.7, len(table)))
           for i, name in enumerate(lineages)}  # fmt: skip
    blocks, obs = [], []
    for name, number in sizes.items():
        dosage = np.ones(len(names))
        for changed, factor in (events or {}).get(name, {}).items():
            dosage[names.index(changed)] = factor
        rate = own[name.split("/")[0]] * dosage[arm]
        mean = rng.lognormal(np.log(depth), 0.3, (number, 1)) * rate / rate.sum()
        blocks.append(rng.poisson(mean * rng.gamma(5, 1 / 5, mean.shape)))
        carrier = bool((events or {}).get(name))
        obs.append(pd.DataFrame({
            "lineage": name.split("/")[0], "group": name, "carrier": carrier,
            "reference": (np.arange(number) % 2 == 0) & (not carrier),
        }))  # fmt: skip
    frame = pd.concat(obs, ignore_index=True)
    frame.index = [f"cell{number:05d}" for number in rng.permutation(len(frame))]
    return ad.AnnData(
        sparse.csr_matrix(np.vstack(blocks).astype(np.float32)), obs=frame, var=pd.DataFrame(index=table["symbol"])
    )


def sample(folder: Path, adata: ad.AnnData, sample_id: str) -> Sample:
    """Write `adata` and annotate it: carriers are OOD and called T, as a model without their type would."""
    path = folder / f"{sample_id}.h5ad"
    adata.write_h5ad(path)
    label = adata.obs["lineage"].where(~adata.obs["carrier"], "T").astype(str).to_numpy()
    annotation = pd.DataFrame({
        "cell_id": adata.obs_names, "label": label, "confidence": 0.95, "is_ood": adata.obs["carrier"].to_numpy(),
    })  # fmt: skip
    return Sample(sample_id, open_counts(path), annotation.sample(frac=0.95, random_state=1))


def two_samples(folder: Path, seed: int = 8) -> list[Sample]:
    """A patient with a clone, whose cells lie in two samples."""
    adata = patient({"T": 60, "B": 60, "M": 60, "E/1": 60}, EVENTS, seed=seed)
    half = np.arange(adata.n_obs) % 2 == 0
    return [sample(folder, adata[half].copy(), "a"), sample(folder, adata[~half].copy(), "b")]


def call(samples: Sequence[Sample], **options) -> CnvResult:
    """`call_patient` with the positions and arms of this module."""
    return call_patient(samples, positions=positions(), arms=ARMS, **options)
