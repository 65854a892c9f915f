"""Genes that set a patient's malignant cells apart from its normal cells, by the verdict."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.cnv.patient_samples import Sample
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.parquet import as_table, empty
from cellcohort.outputs.schemas import MARKERS, VERDICT
from cellcohort.verdict.markers import rank_markers

N_GENES = 60
POSITIONS = pd.DataFrame({"symbol": [f"G{i}" for i in range(N_GENES)]})
MARKED = ["G0", "G1", "G2"]
OF_T = ["G5", "G6"]
KINDS = {"malignant": 30, "normal B": 20, "normal T": 160, "unexplained": 10, "unsure": 10}


def write_sample(folder, name: str, *, genes: int = N_GENES, seed: int = 0) -> tuple[Sample, pd.DataFrame]:
    """A sample of cells of `KINDS` and their verdicts: malignant cells express `MARKED`, T cells `OF_T`."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat(list(KINDS), list(KINDS.values()))
    mean = np.full((len(kinds), genes), 2.0)
    mean[np.ix_(np.isin(kinds, ["malignant", "unexplained"]), range(len(MARKED)))] *= 6
    mean[np.ix_(kinds == "normal T", [5, 6])] *= 6
    ids = [f"{name}_{i:03d}" for i in rng.permutation(len(kinds))]
    var = pd.DataFrame(index=[f"G{i}" for i in range(genes)])
    counts = ad.AnnData(sparse.csr_matrix(rng.poisson(mean).astype("float32")), obs=pd.DataFrame(index=ids), var=var)
    counts.write_h5ad(folder / f"{name}.h5ad")
    annotation = pd.DataFrame({"cell_id": ids, "label": np.where(kinds == "normal T", "T", "B")})
    verdicts = pd.DataFrame({"cell_id": ids, "sample_id": name, "patient_id": "p1", "p_malignant": 0.5, "reason": ""})
    verdicts["verdict"] = [kind.split()[0] for kind in kinds]
    return Sample(name, open_counts(folder / f"{name}.h5ad"), annotation), verdicts[VERDICT.names]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patient")
    return [write_sample(folder, "s1"), write_sample(folder, "s2", genes=N_GENES - 5, seed=1)]


def rank(parts, **options) -> pd.DataFrame:
    verdicts = pd.concat([verdicts for _, verdicts in parts], ignore_index=True)
    return rank_markers(verdicts, [sample for sample, _ in parts], POSITIONS, **options)


def test_the_genes_of_the_tumour_rank_first(parts) -> None:
    markers = rank(parts, n_genes=20)
    as_table(markers, MARKERS)
    assert set(markers["symbol"][:3]) == set(MARKED)
    assert (markers["logfoldchange"][:3] > 1.5).all()
    assert (markers["pvals_adj"][:3] < 1e-6).all()
    assert markers["rank"].tolist() == [*range(1, 21), *range(-1, -21, -1)]
    assert (np.sign(markers["rank"]) == np.sign(markers["score"])).all()
    assert set(markers.loc[markers["rank"].isin([-1, -2]), "symbol"]) == set(OF_T), "the lowest first"
    assert set(markers["n_malignant"]) == {60}
    assert set(markers["n_normal"]) == {360}, "unexplained and unsure cells are neither"
    assert not {"G57", "G59"} & set(markers["symbol"]), "genes that one file lacks"


def test_a_sample_that_shares_too_few_genes_takes_no_part(parts, tmp_path) -> None:
    panel = write_sample(tmp_path, "panel", genes=10, seed=2)
    pd.testing.assert_frame_equal(rank([*parts, panel]), rank(parts))


def test_the_most_frequent_type_does_not_stand_for_all(parts) -> None:
    """Of 80 cells 40 are of either label: what sets T cells apart weighs half."""
    shares = [rank(parts, max_cells=number).set_index("symbol")["logfoldchange"][OF_T] for number in (80, 2000)]
    assert (shares[0] > shares[1] + 0.3).all()


def test_the_order_of_samples_and_cells_changes_nothing(parts) -> None:
    first = rank(parts, max_cells=20)
    again = rank([(sample, verdicts[::-1]) for sample, verdicts in parts[::-1]], max_cells=20)
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize("verdict", ["malignant", "normal"])
def test_too_few_cells_are_not_compared(parts, verdict) -> None:
    without = [(sample, verdicts.assign(verdict=verdict)) for sample, verdicts in parts]
    assert as_table(rank(without), MARKERS).num_rows == 0


def test_a_patient_without_cells_has_no_rows() -> None:
    assert as_table(rank_markers(empty(VERDICT).to_pandas(), [], POSITIONS), MARKERS).num_rows == 0
