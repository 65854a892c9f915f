"""The chain end to end, on a slice of the demo: every stage real, two samples that cannot be used among the others."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import anndata as ad
import infercnvpy
import matplotlib
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import scanpy as sc
import yaml
from demo_slice import write_slice
from tiny_cohort import snakemake, some_cells

from cellcohort.bundle.model_bundle import Bundle
from cellcohort.core import provenance
from cellcohort.core.files import checksum, read_json
from cellcohort.outputs import parquet, schemas

matplotlib.use("Agg")
SAMPLES = ["P13", "P14", "empty", "foreign"]
SHEET = pd.DataFrame(
    {
        "sample_id": SAMPLES,
        "patient_id": ["P13", "P14", "P14", "P13"],
        "path": [f"{name}.h5ad" for name in SAMPLES],
        "truth": ["cell_type", "cell_type", None, None],
    }
)
CONFIG = {
    "samples": "samples.tsv",
    "reference": {"path": "reference.h5ad"},
    "vocabulary": {"n_genes": 800},
    "train": {"epochs": 5},
}
SAMPLE_TABLES = {
    "qc": schemas.QC,
    "genes": schemas.GENES,
    "annotation": schemas.ANNOTATION,
    "gene_scores": schemas.GENE_SCORES,
    "programs": schemas.PROGRAMS,
    "cnv_cells": schemas.CNV_CELLS,
    "cnv_arms": schemas.CNV_ARMS,
    "verdict": schemas.VERDICT,
}
COHORT = [
    "verdict",
    "annotation",
    "samples",
    "composition",
    "ood",
    "origins",
    "cnv_arms",
    "gene_scores",
    "programs",
    "enrichment",
    "origin_genes",
    "origin_gene_sets",
    "evaluation",
    "integration",
    "sections",
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, demo_data) -> Path:
    """A working directory with a reference of 400 cells and samples of 150, none, and 60 with unknown genes."""
    folder = tmp_path_factory.mktemp("cohort")
    write_slice(folder, demo_data, SHEET, CONFIG, n_reference=400, n_cells=150)
    some_cells(demo_data / "P14.h5ad", 150)[:0].write_h5ad(folder / "empty.h5ad")
    foreign = some_cells(demo_data / "P13.h5ad", 60)
    foreign.var_names = [f"locus_{i}" for i in range(foreign.n_vars)]
    foreign.write_h5ad(folder / "foreign.h5ad")
    placed = ad.read_h5ad(folder / "P13.h5ad")
    placed.obsm["spatial"] = np.arange(2.0 * placed.n_obs).reshape(-1, 2)
    placed.write_h5ad(folder / "P13.h5ad")
    return folder


@pytest.fixture(scope="module")
def results(cohort) -> Path:
    done = snakemake(cohort, "--cores", "2")
    assert done.returncode == 0, done.stdout[-5000:]
    return cohort / "results"


def annotation(results: Path, sample: str) -> pd.DataFrame:
    return parquet.read_frame(results / "samples" / sample / "annotation.parquet")


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_has_every_table_in_its_schema(results, sample):
    for name, schema in SAMPLE_TABLES.items():
        table = pq.read_table(results / "samples" / sample / f"{name}.parquet")
        assert table.schema.remove_metadata().equals(schema), name
    for name in ("ood", "cnv"):
        ad.read_h5ad(results / "samples" / sample / f"{name}.h5ad")


@pytest.mark.parametrize("sample", ["P13", "P14"])
def test_each_cell_that_passed_qc_is_annotated(results, cohort, sample):
    qc = parquet.read_frame(results / "samples" / sample / "qc.parquet")
    cells = annotation(results, sample)
    assert qc["cell_id"].tolist() == ad.read_h5ad(cohort / f"{sample}.h5ad").obs_names.tolist()
    assert cells["cell_id"].tolist() == qc.loc[qc["passed"], "cell_id"].tolist()
    assert set(cells["sample_id"]) == {sample}
    status = read_json(results / "samples" / sample / "status.json")
    assert (status["status"], status["n_cells_kept"]) == ("ok", len(cells))


@pytest.mark.parametrize("sample", ["P13", "P14"])
def test_ood_file_and_copy_number_agree_with_the_annotation(results, sample):
    cells = annotation(results, sample)
    ood = ad.read_h5ad(results / "samples" / sample / "ood.h5ad")
    assert ood.obs_names.tolist() == cells.loc[cells["is_ood"], "cell_id"].tolist()
    assert ood.n_vars == 12_000 or ood.n_vars > 800
    calls = parquet.read_frame(results / "samples" / sample / "cnv_cells.parquet")
    assert set(calls["cell_id"]) == set(cells["cell_id"])
    assert set(calls["cnv_call"]) <= {"aneuploid", "diploid", "undetermined"}
    assert set(calls.loc[calls["role"] == "reference", "cell_id"]).isdisjoint(ood.obs_names)


@pytest.mark.parametrize(("sample", "reason"), [("empty", "0 cells"), ("foreign", "vocabulary.min_share")])
def test_samples_that_cannot_be_used_are_rejected_with_a_reason(results, sample, reason):
    status = read_json(results / "samples" / sample / "status.json")
    assert status["status"] == "rejected"
    assert reason in status["reason"]
    assert len(annotation(results, sample)) == 0
    listed = parquet.read_frame(results / "cohort" / "samples.parquet").set_index("sample_id")
    assert reason in listed.loc[sample, "reason"]
    assert reason in (results / "report.html").read_text()


def test_cohort_tables(results):
    for name in COHORT:
        assert (results / "cohort" / f"{name}.parquet").exists(), name
        assert name == "annotation" or (results / "cohort" / f"{name}.tsv").exists(), name
    cells = parquet.read_frame(results / "cohort" / "annotation.parquet")
    assert len(cells) == sum(len(annotation(results, sample)) for sample in SAMPLES)
    evaluation = pq.read_table(results / "cohort" / "evaluation.parquet")
    assert evaluation.schema.remove_metadata().equals(schemas.EVALUATION)
    values = evaluation.to_pandas().query("level == 'cohort'").set_index("metric")["value"]
    assert values["accuracy"] > 0.8
    assert values["ood_auroc"] > 0.6


def test_one_file_holds_all_annotated_cells(results, cohort):
    cells = ad.read_h5ad(results / "cohort" / "annotated.h5ad")
    table = parquet.read_frame(results / "cohort" / "annotation.parquet")
    assert cells.obs_names.tolist() == (table["sample_id"] + "|" + table["cell_id"]).tolist()
    assert cells.obs["label"].tolist() == table["label"].tolist()
    assert set(cells.obs["cnv_call"]) <= {"aneuploid", "diploid", "undetermined"}
    own, source = cells[cells.obs["sample_id"] == "P13"], ad.read_h5ad(cohort / "P13.h5ad")
    source = source[own.obs["cell_id"]]
    np.testing.assert_array_equal(own.obsm["spatial"], source.obsm["spatial"])
    shared = [name for name in cells.var_names if name in source.var_names]
    np.testing.assert_array_equal(own[:, shared].X.toarray(), source[:, shared].X.toarray())
    sections = parquet.read_frame(results / "cohort" / "sections.parquet")
    assert set(sections["sample_id"]) == {"P13"}


def test_every_link_of_the_report_leads_to_a_file(results):
    links = set(re.findall(r'href="((?!data:|#)[^"]+)"', (results / "report.html").read_text()))
    assert len(links) > 15
    assert [link for link in links if not (results / link).exists()] == []


def test_snakemakes_own_report_holds_the_figures(cohort, results):
    done = snakemake(cohort, "--report", "report.zip")
    assert done.returncode == 0, done.stdout[-3000:]
    with zipfile.ZipFile(cohort / "report.zip") as archive:
        names = archive.namelist()
    assert sum(name.endswith(".svg") for name in names) >= 8


def test_the_bundle_is_whole_and_says_how_good_it_is(results):
    metrics = read_json(results / "model" / "metrics.json")
    assert metrics["validation"]["accuracy"] > 0.8
    splits = parquet.read_frame(results / "model" / "reference_embedding.parquet", ["donor", "split"])
    assert splits.groupby("split")["donor"].unique().map(set).map(len).to_dict() == {"train": 1, "validation": 1}


def test_results_say_where_they_come_from(results, cohort):
    facts = provenance.read(results / "samples" / "P13" / "annotation.parquet")
    assert set(facts) == {f"{name}_sha256" for name in ("bundle", "config", "input", "reference")} | {
        "workflow_version"
    }
    assert facts["bundle_sha256"] == Bundle.open(results / "model").sha256
    assert (facts["input_sha256"], facts["reference_sha256"]) == (
        checksum(cohort / "P13.h5ad"),
        checksum(cohort / "reference.h5ad"),
    )
    samples = parquet.read_frame(results / "cohort" / "samples.parquet").set_index("sample_id")
    assert samples.loc["P13", "input_sha256"] == facts["input_sha256"]
    for name in ("ood", "cnv"):
        stamp = ad.read_h5ad(results / "samples" / "P13" / f"{name}.h5ad").uns["provenance"]
        assert stamp["workflow_version"] == facts["workflow_version"], name


def test_a_second_run_does_nothing(cohort, results):
    done = snakemake(cohort, "--cores", "2", "--dry-run")
    assert "Nothing to be done" in done.stdout


def test_the_same_input_gives_the_same_tables_byte_for_byte(cohort, results, tmp_path):
    config = CONFIG | {"pathvars": {"results": str(tmp_path / "again")}}
    (cohort / "again.yaml").write_text(yaml.safe_dump(config))
    done = snakemake(cohort, "--cores", "2", configfile="again.yaml")
    assert done.returncode == 0, done.stdout[-5000:]
    written = sorted(path.relative_to(results) for path in results.rglob("*.parquet"))
    assert len(written) > 40
    changed = [path for path in written if (results / path).read_bytes() != (tmp_path / "again" / path).read_bytes()]
    assert changed == []


def test_a_trained_bundle_annotates_and_trains_nothing(cohort, results, tmp_path):
    config = {
        "samples": "samples.tsv",
        "model": {"bundle": "results/model"},
        "pathvars": {"results": str(tmp_path / "by_bundle")},
    }
    (cohort / "bundle.yaml").write_text(yaml.safe_dump(config))
    target = tmp_path / "by_bundle" / "samples" / "P13" / "annotation.parquet"
    done = snakemake(cohort, "--cores", "2", str(target), configfile="bundle.yaml")
    assert done.returncode == 0, done.stdout[-5000:]
    assert "train_model" not in done.stdout
    trained_here = pq.read_table(results / "samples" / "P13" / "annotation.parquet")
    assert pq.read_table(target).equals(trained_here)  # but for the provenance


def opened(results: Path, name: str) -> ad.AnnData:
    return ad.read_h5ad(results / "cohort" / "annotated.h5ad" if name == "annotated" else sample_file(results, name))


def sample_file(results: Path, name: str) -> Path:
    return results / "samples" / "P13" / f"{name}.h5ad"


@pytest.mark.parametrize("name", ["annotated", "ood", "cnv"])
def test_matrices_have_one_index_dtype(results, name):
    cells = opened(results, name)
    matrix = cells.obsm["X_cnv"] if name == "cnv" else cells.X
    assert matrix.indptr.dtype == matrix.indices.dtype == np.int32


def normalised(cells: ad.AnnData, column: str) -> ad.AnnData:
    """The cells of groups of two and more, normalised."""
    sizes = cells.obs[column].value_counts()
    cells = cells[cells.obs[column].isin(sizes.index[sizes > 1])].copy()
    sc.pp.normalize_total(cells)
    sc.pp.log1p(cells)
    return cells


@pytest.mark.parametrize("method", ["t-test", "t-test_overestim_var", "wilcoxon", "logreg"])
@pytest.mark.parametrize(
    ("name", "column"), [("annotated", "label"), ("annotated", "is_ood"), ("annotated", "clone"), ("ood", "label")]
)
def test_genes_are_ranked_between_groups(results, name, column, method):
    cells = normalised(opened(results, name), column)
    if cells.obs[column].nunique() < 2:  # one clone: against the cells without
        cells = opened(results, name)
        cells.obs[column] = cells.obs[column].cat.add_categories("none").fillna("none")
        cells = normalised(cells, column)
    sc.tl.rank_genes_groups(cells, column, method=method)
    assert len(cells.uns["rank_genes_groups"]["names"]) > 0


@pytest.mark.parametrize("name", ["annotated", "ood"])
def test_scanpys_first_steps_run(results, name):
    cells = opened(results, name)
    n_zeros = int((cells.X.data == 0).sum())
    cells.X.eliminate_zeros()
    assert n_zeros == 0
    sc.pp.calculate_qc_metrics(cells, percent_top=None, inplace=True)
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    sc.pp.pca(cells, n_comps=10)
    sc.pp.neighbors(cells, n_neighbors=5)
    assert cells.obsp["connectivities"].shape == (cells.n_obs, cells.n_obs)


@pytest.mark.parametrize("name", ["ood", "cnv"])
def test_files_of_samples_are_joined(results, name):
    files = [ad.read_h5ad(results / "samples" / sample / f"{name}.h5ad") for sample in ("P13", "P14")]
    joined = ad.concat(files, index_unique="|")
    assert joined.n_obs == sum(file.n_obs for file in files)


@pytest.mark.parametrize("name", ["annotated", "ood", "cnv"])
def test_files_open_backed(results, name):
    path = results / "cohort" / "annotated.h5ad" if name == "annotated" else sample_file(results, name)
    cells = ad.read_h5ad(path, backed="r")
    assert cells[:5].to_memory().n_obs == min(5, cells.n_obs)
    cells.file.close()


@pytest.mark.parametrize("column", ["clone", "label", "cnv_call"])
def test_infercnvpy_draws_the_profile(results, column):
    axes = infercnvpy.pl.chromosome_heatmap(opened(results, "cnv"), groupby=column, show=False)
    assert "heatmap_ax" in axes
