"""A sample's tables from its files, those of a rejected sample included."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from small_reference import LABELS, write_sample

from cellcohort.annotation.annotate_sample import annotate_sample
from cellcohort.core.files import write_json
from cellcohort.genes.alignment import align_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_aliases
from cellcohort.outputs.parquet import as_table, read_frame, write_table
from cellcohort.outputs.schemas import GENE_SCORES, GENES, POSITIONAL, PROGRAMS, QC, SCORES, embedding_schema

SAMPLE = {"sample_id": "S", "patient_id": "P"}
SETTINGS = {"shift": "auto"}


@pytest.fixture
def files(bundle, tmp_path):
    """The files of a sample of 30 cells, of which every third failed QC."""
    counts = open_counts(write_sample(tmp_path / "sample.h5ad", np.resize(np.array(LABELS, object), 30)))
    numbers = dict.fromkeys(("n_counts", "n_genes", "mito_share"), 0)
    qc = pd.DataFrame({"cell_id": counts.cell_ids, "passed": np.arange(30) % 3 > 0, **numbers})
    qc = qc.assign(**dict.fromkeys(("doublet_score", "predicted_doublet", "reason")))
    write_table(tmp_path / "qc.parquet", qc, QC)
    alignment = align_genes(counts.genes, bundle.vocabulary, gene_aliases())
    write_table(tmp_path / "genes.parquet", alignment.table, GENES)
    write_json(tmp_path / "status.json", {"status": "ok"})
    write_positional(tmp_path / "positional.parquet", counts.cell_ids[qc["passed"]])
    tables = {name: tmp_path / f"{name}.parquet" for name in ("qc", "genes", "positional", "embedding")}
    others = {"counts": tmp_path / "sample.h5ad", "status": tmp_path / "status.json", "fitted": tmp_path / "fitted"}
    return others | tables


def write_positional(path, cell_ids, pvalue=None):
    """positional.parquet in which all cells have this p-value."""
    numbers = {name: 0 for name in POSITIONAL.names if name not in ("cell_id", "z", "group_z", "group_pvalue")}
    table = pd.DataFrame({"cell_id": cell_ids, **numbers, "z": None, "group_z": None, "group_pvalue": None})
    write_table(path, table.assign(pvalue=pvalue), POSITIONAL)


def test_the_cells_that_passed_are_annotated(bundle, files):
    tables = annotate_sample(SAMPLE, bundle, **files, **SETTINGS)
    cells, embedding = tables.scores.to_pandas(), pq.read_table(files["embedding"])
    assert cells["cell_id"].tolist() == [f"s{i:03d}" for i in range(30) if i % 3]
    assert embedding["cell_id"].to_pylist() == cells["cell_id"].tolist()
    assert set(cells["sample_id"]) == {"S"}
    assert set(cells["patient_id"]) == {"P"}
    assert as_table(tables.gene_scores, GENE_SCORES).num_rows > 0
    assert as_table(tables.programs, PROGRAMS).num_rows > 0


def test_a_rejected_sample_has_empty_tables_and_is_not_opened(bundle, files):
    write_json(files["status"], {"status": "rejected"})
    files["counts"].write_bytes(b"broken")
    tables = annotate_sample(SAMPLE, bundle, **files, **SETTINGS)
    embedding = pq.read_table(files["embedding"])
    assert embedding.schema.remove_metadata().equals(embedding_schema(bundle.model.config.d_model))
    contents = [tables.scores, tables.gene_scores, tables.programs]
    for content, schema in zip(contents, (SCORES, GENE_SCORES, PROGRAMS), strict=True):
        assert as_table(content, schema).num_rows == 0
    assert embedding.num_rows == 0
    assert tables.anchors == {"shift": 0.0, "labels": {}, "n_anchors": 0, "in_doubt": False, "held_out_accuracy": None}


def test_cells_with_positional_evidence_never_anchor(bundle, files):
    calm = annotate_sample(SAMPLE, bundle, **files, **SETTINGS)
    assert calm.anchors["labels"]
    write_positional(files["positional"], calm.scores["cell_id"].to_pylist(), pvalue=1e-6)
    assert annotate_sample(SAMPLE, bundle, **files, **SETTINGS).anchors["labels"] == {}


def test_genes_that_the_sample_does_not_measure_are_unknown(additive_bundle, files):
    """Half of the vocabulary: no score and no part in a program, and no cell is strange for their silence."""
    table = read_frame(files["genes"])
    lost = np.arange(len(table)) % 2 == 1
    table.loc[lost, "match"] = "missing"
    table["query_genes"] = [[] if gone else list(names) for gone, names in zip(lost, table["query_genes"], strict=True)]
    write_table(files["genes"], table, GENES)
    tables = annotate_sample(SAMPLE, additive_bundle, **files, **SETTINGS)
    symbols = set(table["symbol"][~lost])
    assert set(tables.gene_scores["symbol"]) == set(tables.programs["symbol"]) == symbols
    cells = tables.scores.to_pandas()
    truth = np.resize(np.array(LABELS, object), 30)[np.arange(30) % 3 > 0]
    assert (cells["label"] == truth).mean() > 0.9
    assert (cells["ood_pvalue"] <= 0.05).mean() < 0.2
    assert [path.is_dir() for path in files["fitted"].iterdir()] == [True]
    assert tables.anchors["held_out_accuracy"] > 0.9
