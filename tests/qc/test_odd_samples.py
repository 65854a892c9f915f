"""Quality control of samples that leave little to judge: cells alike, few genes, copied genes, spike-ins."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.inputs.counts import open_counts
from cellcohort.qc.check_sample import check_sample
from cellcohort.qc.quality_control import quality_control

LENIENT = {"min_genes": 1, "min_counts": 1}
SAMPLE = {"sample_id": "S", "patient_id": "P", "path": "a.h5ad"}


def write(path: Path, matrix: np.ndarray, genes: list[str] | None = None) -> Path:
    names = genes or [f"GENE{number}" for number in range(matrix.shape[1])]
    obs = pd.DataFrame(index=[f"cell{number}" for number in range(matrix.shape[0])])
    values = sparse.csr_matrix(matrix, dtype=np.float32)
    ad.AnnData(values, obs=obs, var=pd.DataFrame(index=names)).write_h5ad(path)
    return path


def profile(n_genes: int = 100) -> np.ndarray:
    return np.random.default_rng(0).poisson(2.0, n_genes) + 1


@pytest.mark.parametrize(
    ("matrix", "n_varying"),
    [
        (np.tile(profile(), (60, 1)), 0),
        (np.outer(np.arange(1, 61), profile()), 0),
        (np.arange(1, 61)[:, None], 0),
        (np.hstack([np.arange(1, 61)[:, None], np.zeros((60, 9))]), 0),
    ],
    ids=["alike", "alike but for depth", "one gene", "one gene that is not silent"],
)
def test_without_genes_that_vary_no_doublets_are_called(tmp_path: Path, matrix: np.ndarray, n_varying: int) -> None:
    table, notes = quality_control(open_counts(write(tmp_path / "a.h5ad", matrix)), LENIENT)
    assert table["predicted_doublet"].isna().all()
    assert f"doublets: not called, as only {n_varying} genes vary between cells" in notes


@pytest.mark.parametrize(
    "matrix",
    [
        np.random.default_rng(0).poisson(3, (60, 2)),
        np.random.default_rng(0).poisson(3, (2, 100))[np.arange(60) % 2],
        np.vstack([np.tile(profile(), (59, 1)), profile() + np.eye(1, 100)]),
        np.eye(60, 100) + 1,
        np.random.default_rng(0).poisson(3, (60, 100)) * 100_000,
    ],
    ids=["two genes", "two profiles", "one cell differs", "a gene a cell", "huge counts"],
)
def test_little_to_go_by_is_no_error(tmp_path: Path, matrix: np.ndarray) -> None:
    table, notes = quality_control(open_counts(write(tmp_path / "a.h5ad", matrix)), LENIENT)
    assert len(table) == 60
    assert any(note.startswith("doublets: ") for note in notes)


def test_a_sample_without_genes_is_rejected(tmp_path: Path) -> None:
    _, record = check_sample(SAMPLE, str(write(tmp_path / "a.h5ad", np.zeros((60, 0)))), LENIENT)
    assert "the file has 0 genes" in record["rejected"]


def test_spike_ins_and_antibodies_change_no_metric_and_no_doublet(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    genes = [f"GENE{number}" for number in range(200)]
    counts = rng.poisson(rng.gamma(0.6, 1, (80, 200)) * 10)
    counts[:, 0] = 5
    others = rng.poisson(50, (80, 4))
    alone, _ = quality_control(open_counts(write(tmp_path / "a.h5ad", counts, ["MT-ND1", *genes[1:]])), LENIENT)
    names = ["ERCC-00002", "MT-ND1", "AB_CD3", *genes[1:], "HTO_A", "__ambiguous"]
    mixed = np.hstack([others[:, :1], counts[:, :1], others[:, 1:2], counts[:, 1:], others[:, 2:]])
    beside, notes = quality_control(open_counts(write(tmp_path / "b.h5ad", mixed, names)), LENIENT)
    pd.testing.assert_frame_equal(alone, beside)
    assert any(note.startswith("4 rows are no genes") for note in notes)


@pytest.mark.parametrize(("copies", "rejected"), [(30, True), (1, False)])
def test_copied_genes_reject_a_sample(tmp_path: Path, copies: int, rejected: bool) -> None:
    counts = np.random.default_rng(0).poisson(1.0, (60, 200))
    names = [f"GENE{number}" for number in range(200)]
    path = write(tmp_path / "a.h5ad", np.hstack([counts, counts[:, :copies]]), [*names, *names[:copies]])
    _, record = check_sample(SAMPLE, str(path), LENIENT | {"doublets": False})
    assert ("30 genes are there twice" in (record["rejected"] or "")) is rejected


def test_the_same_names_with_other_counts_are_no_copies(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(1.0, (60, 200))
    path = write(tmp_path / "a.h5ad", counts, [f"GENE{number % 150}" for number in range(200)])
    assert check_sample(SAMPLE, str(path), LENIENT | {"doublets": False})[1]["rejected"] is None
