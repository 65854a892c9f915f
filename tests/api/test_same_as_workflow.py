"""The Python API gives the numbers of the workflow, to the last bit, on a slice of the demo."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from demo_slice import write_slice
from tiny_cohort import snakemake

import cellcohort as cc
from cellcohort.api.adata_tables import ANNOTATION_COLUMNS, annotation_table, cnv_table, positional_table
from cellcohort.api.cell_files import Patient
from cellcohort.inputs.bundle_files import BUNDLE_FILES
from cellcohort.outputs import parquet, schemas

PATIENTS = ["P13", "P14"]
SHEET = pd.DataFrame({"sample_id": PATIENTS, "patient_id": PATIENTS, "path": [f"{name}.h5ad" for name in PATIENTS]})
CONFIG = {
    "samples": "samples.tsv",
    "reference": {"path": "reference.h5ad"},
    "vocabulary": {"n_genes": 800},
    "train": {"epochs": 3},
}
AS_CONFIG = {"label": "cell_type", "donor": "donor", "n_genes": 800, "epochs": 3}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, demo_data) -> Path:
    """A working directory with the results of two runs: one that trains the model, one that uses it as a bundle."""
    folder = tmp_path_factory.mktemp("cohort")
    write_slice(folder, demo_data, SHEET, CONFIG, n_reference=300, n_cells=120)
    run(folder, "config.yaml", ["results/model/card.json"])
    by_bundle = {"samples": "samples.tsv", "model": {"bundle": "results/model"}, "pathvars": {"results": "by_bundle"}}
    (folder / "bundle.yaml").write_text(yaml.safe_dump(by_bundle))
    last = ("verdict.parquet", "cnv.h5ad")
    run(folder, "bundle.yaml", [f"by_bundle/samples/{name}/{file}" for name in PATIENTS for file in last])
    return folder


def run(folder: Path, configfile: str, targets: list[str]) -> None:
    done = snakemake(folder, "--cores", "2", *targets, configfile=configfile)
    assert done.returncode == 0, done.stdout[-5000:]


def both_patients(cohort: Path) -> ad.AnnData:
    """The cells of both patients in one AnnData, in turn, so that no patient's lie together."""
    parts = [ad.read_h5ad(cohort / f"{name}.h5ad") for name in PATIENTS]
    cells = ad.concat(dict(zip(PATIENTS, parts, strict=True)), label="patient", merge="same")
    return cells[np.argsort(cells.obs["patient"].groupby(cells.obs["patient"], observed=True).cumcount())].copy()


@pytest.fixture(scope="module")
def annotated(cohort) -> ad.AnnData:
    cells = both_patients(cohort)
    assert cc.annotate(cells, cohort / "results" / "model", patient="patient") is None
    cc.infer_cnv(cells)
    cc.assign_verdict(cells, cohort / "results" / "model")
    return cells


def patient_of(cells: ad.AnnData, name: str) -> Patient:
    return Patient(name, np.flatnonzero(cells.obs["patient"] == name), {})


def test_a_bundle_of_the_same_file_has_the_same_bytes(cohort, tmp_path):
    torch.set_num_threads(2)  # as many as the workflow had
    out = cc.train(cohort / "reference.h5ad", out=tmp_path / "model", **AS_CONFIG)
    theirs = cohort / "results" / "model"
    names = [*BUNDLE_FILES, "card.json", "card.md"]
    different = [name for name in names if (out / name).read_bytes() != (theirs / name).read_bytes()]
    assert different == []


@pytest.mark.parametrize("name", PATIENTS)
@pytest.mark.parametrize(
    ("table", "read", "schema"),
    [
        ("annotation", annotation_table, schemas.ANNOTATION),
        ("positional", positional_table, schemas.POSITIONAL),
        ("cnv_cells", cnv_table, schemas.CNV_CELLS),
    ],
)
def test_tables_of_cells_are_the_workflows(cohort, annotated, tmp_path, name, table, read, schema):
    parquet.write_table(tmp_path / "ours.parquet", read(annotated, patient_of(annotated, name)), schema)
    ours = parquet.read_frame(tmp_path / "ours.parquet")
    theirs = parquet.read_frame(cohort / "by_bundle" / "samples" / name / f"{table}.parquet")
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.parametrize("name", PATIENTS)
def test_verdicts_and_embeddings_are_the_workflows(cohort, annotated, name):
    folder = cohort / "by_bundle" / "samples" / name
    verdict = parquet.read_frame(folder / "verdict.parquet")
    own = annotated[verdict["cell_id"]]
    for column in ("verdict", "p_malignant", "reason"):
        assert own.obs[column].tolist() == verdict[column].tolist(), column
    embedding = parquet.stacked(pq.read_table(folder / "embedding.parquet")["vector"])
    assert np.array_equal(own.obsm["X_cellmemory"], embedding)
    profile = ad.read_h5ad(folder / "cnv.h5ad")
    assert (own.obsm["X_cnv"] != profile.obsm["X_cnv"]).nnz == 0
    assert own.obsm["X_cnv"].nnz > 0
    assert own.uns["cnv"]["chr_pos"] == profile.uns["cnv"]["chr_pos"]


@pytest.mark.parametrize("name", PATIENTS)
def test_explanations_are_the_workflows(cohort, name):
    explained = cc.explain(cohort / f"{name}.h5ad", cohort / "results" / "model")
    for table in ("gene_scores", "programs"):
        theirs = parquet.read_frame(cohort / "by_bundle" / "samples" / name / f"{table}.parquet")
        ours = getattr(explained, table)
        assert set(ours.pop("patient")) == {"sample"}
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_cells_that_failed_quality_control_keep_their_row(cohort, annotated):
    passed = pd.concat(
        [parquet.read_frame(cohort / "by_bundle" / "samples" / name / "qc.parquet") for name in PATIENTS]
    )
    passed = passed.set_index("cell_id")
    obs = annotated.obs
    assert obs["qc_pass"].tolist() == passed["passed"].loc[obs.index].tolist()
    assert not obs["qc_pass"].all()
    failed = obs[~obs["qc_pass"]]
    assert failed[[*set(ANNOTATION_COLUMNS) & set(obs), "cnv_call", "verdict", "p_malignant"]].isna().all(axis=None)
    assert failed["qc_reason"].notna().all()
    assert np.isnan(annotated.obsm["X_cellmemory"][~obs["qc_pass"].to_numpy()]).all()


def test_what_was_written_survives_a_file(annotated, tmp_path):
    annotated.write_h5ad(tmp_path / "cells.h5ad")
    again = ad.read_h5ad(tmp_path / "cells.h5ad")
    name = PATIENTS[0]
    for read in (annotation_table, positional_table, cnv_table):
        one = patient_of(again, name)
        pd.testing.assert_frame_equal(read(again, one), read(annotated, one), check_exact=True)
