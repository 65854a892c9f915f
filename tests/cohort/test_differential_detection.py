"""Genes that malignant and unexplained cells gained or lost beside their origin."""

from __future__ import annotations

from itertools import groupby
from types import SimpleNamespace

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.classifier.type_profiles import fit_profiles
from cellcohort.cohort.differential_detection import MIN_CELLS, DetectionCounts, _test, compare_origins
from cellcohort.core.errors import InputError
from cellcohort.outputs.h5ad import write_h5ad
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import ORIGIN_GENE_SETS, ORIGIN_GENES

N_GENES, LABELS = 120, ["A", "B"]
SYMBOLS = np.array([f"G{i}" for i in range(N_GENES)])
SETS = {"gained": SYMBOLS[:6].tolist(), "others": SYMBOLS[40:60].tolist()}
GAINED, LOST, TECHNICAL, ABSENT = slice(0, 6), slice(6, 10), slice(10, 20), slice(60, 70)


def chances() -> np.ndarray:
    """How often each type has each gene: they differ in the second half."""
    chance = np.full((2, N_GENES), 0.3)
    chance[0, 60:90] = chance[1, 90:] = 0.7
    chance[:, GAINED] = 0.05
    chance[:, LOST] = 0.8
    return chance


@pytest.fixture(scope="module")
def bundle():
    rng = np.random.default_rng(0)
    codes = np.arange(800) % 2
    scaled_bins = sparse.csr_matrix(rng.random((800, N_GENES)) < chances()[codes], dtype=np.float32)
    vocabulary = pd.DataFrame({"symbol": SYMBOLS})
    return SimpleNamespace(profiles=fit_profiles(scaled_bins, codes, 2), labels=LABELS, vocabulary=vocabulary)


def draw(n: int, code: int, *, malignant: bool = False, depth: float = 1.0, seed: int = 1) -> sparse.csr_matrix:
    """Cells of a type in a study that sees some genes twice as often; malignant ones gained and lost some, too."""
    chance = chances()[code] * depth
    chance[TECHNICAL] *= 2
    if malignant:
        chance[GAINED], chance[LOST] = 0.5, 0.1
    return sparse.csr_matrix(np.random.default_rng(seed).random((n, N_GENES)) < chance, dtype=np.float32)


def write(path, samples: list[tuple[str, str, sparse.csr_matrix, str, str]], lacking: tuple[str, ...] = ()):
    """annotated.h5ad of blocks of cells: sample, patient, counts, label and verdict.

    The files of the samples `lacking` do not hold the genes `ABSENT`.
    """
    rows = [
        (sample, patient, label, label, verdict)
        for sample, patient, counts, label, verdict in samples
        for _ in range(counts.shape[0])
    ]
    names = ["sample_id", "patient_id", "label", "origin", "verdict"]
    obs = pd.DataFrame(rows, columns=names, index=[str(i) for i in range(len(rows))])
    obs = obs.assign(is_ood=obs["verdict"] != "normal").astype(dict.fromkeys(names, "category"))
    matrix = sparse.vstack([block[2] for block in samples], format="csr")
    names = [name for name, _ in groupby(row[0] for row in rows)]
    measured = np.ones((len(names), N_GENES), bool)
    measured[[name in lacking for name in names], ABSENT] = False
    if lacking:
        matrix = matrix.multiply(pd.DataFrame(measured, names).loc[[row[0] for row in rows]].to_numpy()).tocsr()
    cells = ad.AnnData(matrix, obs=obs, var=pd.DataFrame(index=SYMBOLS), uns={"measured": measured})
    write_h5ad(path, cells)
    return path


def compare(path, bundle) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = list(compare_origins(path, bundle, SETS))
    genes, sets = (pd.concat(tables, ignore_index=True) for tables in zip(*found, strict=True))
    as_table(genes, ORIGIN_GENES)
    as_table(sets, ORIGIN_GENE_SETS)
    return genes, sets


def patient(name: str, **kwargs) -> list:
    return [
        (name, name, draw(150, 0, seed=2), "A", "normal"),
        (name, name, draw(150, 1, seed=3), "B", "normal"),
        (name, name, draw(80, 0, malignant=True, seed=4, **kwargs), "A", "malignant"),
    ]


@pytest.mark.parametrize("depth", [1.0, 0.5])
def test_gained_and_lost_genes_are_found_whatever_the_depth_and_the_study(tmp_path, bundle, depth):
    genes, sets = compare(write(tmp_path / "a.h5ad", patient("P1", depth=depth)), bundle)
    gained, lost = genes[genes["rank"] > 0], genes[genes["rank"] < 0]
    assert set(gained["symbol"][:6]) == set(SYMBOLS[GAINED])
    assert set(lost["symbol"][:4]) == set(SYMBOLS[LOST])
    assert not set(genes["symbol"]) & set(SYMBOLS[TECHNICAL])
    assert gained["rank"].tolist() == [*range(1, len(gained) + 1)]
    assert lost["rank"].tolist() == [*range(-1, -len(lost) - 1, -1)]
    assert (gained["detected"] > gained["expected"]).all()
    assert (lost["detected"] < lost["expected"]).all()
    assert set(genes["n_cells"]) == {80}
    assert sets[["direction", "gene_set", "origin"]].to_numpy().tolist() == [["gained", "gained", "A"]]


def test_a_type_itself_gains_and_loses_nothing(tmp_path, bundle):
    blocks = [*patient("P1")[:2], ("P1", "P1", draw(80, 1, seed=9), "B", "unexplained")]
    genes, sets = compare(write(tmp_path / "a.h5ad", blocks), bundle)
    assert len(genes) <= 1
    assert sets.empty


def test_cells_without_an_origin_and_unsure_ones_are_not_compared(tmp_path, bundle):
    blocks = patient("P1")
    unsure = [*blocks, ("P1", "P1", draw(80, 1, malignant=True, seed=5), "B", "unsure")]
    expected, _ = compare(write(tmp_path / "a.h5ad", blocks), bundle)
    path = write(tmp_path / "b.h5ad", [*unsure, ("P1", "P1", draw(80, 1, malignant=True, seed=6), None, "malignant")])
    pd.testing.assert_frame_equal(compare(path, bundle)[0], expected)


def test_patients_are_compared_with_their_own_cells_however_these_are_filed(tmp_path, bundle):
    first, second = patient("P1"), patient("P2", depth=0.7)
    apart, _ = compare(write(tmp_path / "apart.h5ad", [*first, *second]), bundle)
    normal, malignant = first[0], first[2]
    again = [("P1b", "P1", *malignant[2:]), first[1], normal]
    mixed, _ = compare(write(tmp_path / "mixed.h5ad", [again[0], *second, *again[1:]]), bundle)
    for name in ("P1", "P2"):
        expected = apart[apart["patient_id"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(mixed[mixed["patient_id"] == name].reset_index(drop=True), expected)


def test_few_cells_and_no_cells_say_nothing(tmp_path, bundle):
    blocks = [*patient("P1")[:2], ("P1", "P1", draw(MIN_CELLS - 1, 0, malignant=True), "A", "malignant")]
    assert list(compare_origins(write(tmp_path / "few.h5ad", blocks), bundle, SETS)) == []
    empty = [("P1", "P1", draw(0, 0), "A", "malignant")]
    assert list(compare_origins(write(tmp_path / "none.h5ad", empty), bundle, SETS)) == []


def test_a_patient_of_malignant_cells_alone_is_compared_with_the_reference_alone(tmp_path, bundle):
    genes, _ = compare(write(tmp_path / "a.h5ad", patient("P1")[2:]), bundle)
    assert set(genes[genes["rank"] > 0]["symbol"]) == set(SYMBOLS[GAINED])
    assert set(genes[genes["rank"] < 0]["symbol"]) == set(SYMBOLS[LOST])


@pytest.mark.parametrize("others", [[], ["normal"], ["tumour"]])
def test_genes_that_a_file_lacks_are_not_lost(tmp_path, bundle, others):
    """The tumour's file lacks genes that its type has; the normal cells are in no file, another one or the same."""
    first, second, malignant = patient("P1")
    blocks = [("tumour", "P1", *malignant[2:])]
    blocks += [(name, "P1", *block[2:]) for name in others for block in (first, second)]
    genes, _ = compare(write(tmp_path / "a.h5ad", blocks, lacking=("tumour",)), bundle)
    assert set(genes[genes["rank"] < 0]["symbol"]) == set(SYMBOLS[LOST])
    assert set(genes[genes["rank"] > 0]["symbol"]) >= set(SYMBOLS[GAINED])


def test_a_label_of_another_bundle_is_named(tmp_path, bundle):
    blocks = [("P1", "P1", draw(20, 0), "C", "malignant")]
    with pytest.raises(InputError, match="'C' is no type"):
        compare(write(tmp_path / "a.h5ad", blocks), bundle)


def test_a_gene_that_few_cells_were_asked_about_is_not_judged(bundle):
    ood, others = DetectionCounts(bundle.profiles), DetectionCounts(bundle.profiles)
    ood.measured[:], ood.detected[:], ood.expected[:], ood.variance[:] = 100, 50, 50, 25
    for gene, n_cells in ((3, MIN_CELLS - 1), (4, MIN_CELLS)):
        ood.measured[0, gene], ood.detected[0, gene], ood.expected[0, gene] = n_cells, n_cells, 0.1
    change, z = _test(ood, others, np.array([0]))
    assert (change[0, 3], z[0, 3]) == (0, 0)
    assert change[0, 4] > 1
