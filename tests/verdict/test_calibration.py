"""Where it says .9, nine in ten are: patients made up with likelihood ratios and p-values that err as real ones do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.outputs.parquet import empty
from cellcohort.outputs.schemas import CNV_ARMS
from cellcohort.verdict.patient_verdict import judge_patient

PURITY = [0, 0, 0, 0.02, 0.5, 0.95, 1]
RANGES = [0, 0.1, 0.5, 0.9, 1]


def patient(seed: int, *, with_blocks: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """Cells of twelve groups of differing purity, as `gather_cells` gives them, and which of them are malignant.

    Ratios are up to twice as large as their model says; a fifth of the altered groups, and two in five of the altered
    neighbourhoods, show no blocks; a neighbourhood holds a few strangers.
    """
    rng = np.random.default_rng(seed)
    sizes, purity = rng.integers(20, 300, 12), rng.choice(PURITY, 12) if seed % 4 else np.zeros(12)
    group = np.repeat(np.arange(12), sizes)
    malignant = rng.random(len(group)) < purity[group]
    mean = rng.choice([0.3, 1, 3])
    ratio = rng.choice([1, 1.5, 2]) * rng.normal(np.where(malignant, mean, -mean), np.sqrt(2 * mean))
    alike = 2 * group + (malignant & (rng.random(len(group)) < 0.8))
    neighbourhood = pd.factorize(60 * alike + rng.integers(0, 60, len(group)))[0]
    most = np.bincount(neighbourhood, malignant) > 0.5 * np.bincount(neighbourhood)
    own, of_group = (_pvalues(seen, rng) for seen in ((most, 0.6), (purity > 0.4, 0.8)))
    cells = pd.DataFrame({
        "cell_id": np.arange(len(group)).astype(str), "sample_id": "S", "patient_id": "P", "label": "T",
        "is_ood": rng.random(len(group)) < np.where(malignant, 0.7, 0.05),
        "group": group, "neighbourhood": neighbourhood,
        "pvalue": own[neighbourhood] if with_blocks else np.nan,
        "group_pvalue": of_group[group] if with_blocks else np.nan,
        "kappa": 0.0, "lambda": 0.0, "llr": ratio, "cnv_call": "undetermined", "clone": None, "lineage": "T",
        "reference_source": "patient", "cnv_reason": None,
    })  # fmt: skip
    return cells, malignant


def _pvalues(altered: tuple[np.ndarray, float], rng: np.random.Generator) -> np.ndarray:
    seen = altered[0] & (rng.random(len(altered[0])) < altered[1])
    return np.where(seen, 10.0 ** -rng.uniform(1.5, 7, len(seen)), rng.random(len(seen)))


@pytest.mark.parametrize("with_blocks", [False, True])
def test_the_probability_is_that_of_being_malignant(with_blocks):
    parts = []
    for seed in range(24):
        cells, malignant = patient(seed, with_blocks=with_blocks)
        parts.append(judge_patient(cells, empty(CNV_ARMS).to_pandas(), {}).assign(malignant=malignant))
    found = pd.concat(parts)
    of_range = found.groupby(pd.cut(found["p_malignant"], RANGES), observed=True)
    table = of_range.agg(said=("p_malignant", "mean"), are=("malignant", "mean"))
    print(table, found.groupby("verdict")["malignant"].agg(["size", "mean"]), sep="\n")
    assert (table["said"] - table["are"]).abs().max() < 0.15
    shares = found.groupby("verdict")["malignant"].mean()
    assert shares["malignant"] > 0.9
    assert shares["normal"] < 0.05
    assert found.loc[found["malignant"], "verdict"].eq("malignant").mean() > 0.6
