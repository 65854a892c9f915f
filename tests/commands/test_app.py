"""The command line: what it prints, how it ends, and that it starts without the heavy packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from small_files import write_csc, write_csr
from tiny_cohort import REPO, snakemake, write_cells
from typer.testing import CliRunner

from cellcohort.commands import app as command_line
from cellcohort.inputs.resources import gene_positions, mouse_orthologs

HEAVY = {"torch", "scanpy", "anndata", "sklearn", "matplotlib"}
N_CELLS, N_GENES = 90, 120


def call(*arguments: object):
    """The result of a command."""
    return CliRunner().invoke(command_line.app, [str(argument) for argument in arguments])


def judged(*arguments: object) -> dict:
    """What `check --json` says of one file."""
    done = call("check", *arguments, "--json")
    (found,) = json.loads(done.stdout)
    assert done.exit_code == (1 if found["rejected"] else 0)
    return found


@pytest.fixture(scope="module")
def genes() -> list[str]:
    symbols = gene_positions()["symbol"]
    return symbols[symbols.str.fullmatch("[A-Z][A-Z0-9]+")].drop_duplicates().tolist()[:N_GENES]


@pytest.fixture(scope="module")
def matrix() -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(0).poisson(1.5, (N_CELLS, N_GENES)).astype("float32"))


def names(n: int = N_CELLS) -> list[str]:
    return [f"c{i}" for i in range(n)]


@pytest.fixture
def file(tmp_path, matrix, genes) -> Path:
    return write_csr(tmp_path, matrix, names(), genes)


def test_a_good_file_is_described(file):
    found = judged(file)
    assert (found["n_cells"], found["n_genes"], found["kind"]) == (N_CELLS, N_GENES, "counts")
    assert (found["species"], found["format"], found["obs_columns"]) == ("human", ".h5ad", ["cell_type"])
    assert found["cells_looked_at"]["n_cells"] == N_CELLS
    text = call("check", file)
    assert text.exit_code == 0
    assert "ok: can be used" in text.stdout
    assert "\x1b" not in text.stdout


def test_a_matrix_that_is_not_stored_by_cells_is_not_rearranged(tmp_path, matrix, genes, monkeypatch):
    path = write_csc(tmp_path, matrix, names(), genes)
    from cellcohort.inputs.stores import backed_matrix

    def never(*_):
        raise AssertionError("the matrix was rearranged")

    monkeypatch.setattr(backed_matrix.RearrangedRows, "_band", never)
    found = judged(path)
    assert found["kind"] == "counts"
    assert found["cells_looked_at"] is None


def test_values_that_are_no_counts_are_named(tmp_path, matrix, genes):
    size = sparse.diags(1000 / np.asarray(matrix.sum(1)).ravel())
    adata = ad.AnnData(sparse.csr_matrix(size @ matrix).log1p(), var=pd.DataFrame(index=genes))
    adata.layers["umi"] = matrix
    adata.obs_names = names()
    adata.write_h5ad(tmp_path / "log.h5ad")
    found = judged(tmp_path / "log.h5ad")
    assert (found["kind"], found["other_counts"]) == ("log-normalised", ["layers/umi"])
    assert judged(tmp_path / "log.h5ad", "--counts", "layers/umi")["kind"] == "counts"
    adata.X = matrix.toarray() - matrix.toarray().mean(0)
    adata.write_h5ad(tmp_path / "scaled.h5ad")
    assert "negative" in judged(tmp_path / "scaled.h5ad")["rejected"]


def test_mouse_genes_are_told_and_rejected_where_the_sample_is_said_to_be_human(tmp_path, matrix):
    symbols = mouse_orthologs()["mouse_symbol"].drop_duplicates().tolist()[:N_GENES]
    path = write_csr(tmp_path, matrix, names(), symbols)
    found = judged(path)
    assert found["species"] == "mouse"
    assert any("species mouse" in note for note in found["notes"])
    assert "named as those of mouse" in judged(path, "--species", "human")["rejected"]


def test_what_is_no_sample_is_rejected_with_its_reason(tmp_path):
    (tmp_path / "sheet.csv").write_text("gene,value\nA,1\n")
    done = call("check", tmp_path / "sheet.csv")
    assert done.exit_code == 1
    assert "rejected: this is not HDF5" in done.stdout


def test_every_file_is_judged_though_one_is_rejected(tmp_path, file):
    (tmp_path / "empty.h5ad").write_bytes(b"")
    done = call("check", tmp_path / "empty.h5ad", file, "--json")
    assert done.exit_code == 1
    assert [bool(found["rejected"]) for found in json.loads(done.stdout)] == [True, False]


def test_the_genes_of_a_bundle_are_counted(file, bundle, genes):
    vocabulary = pd.read_parquet(bundle.folder / "vocabulary.parquet")["symbol"]
    found = judged(file, "--bundle", bundle.folder)
    assert found["vocabulary"]["n_genes"] == len(vocabulary)
    assert found["vocabulary"]["n_found"] == vocabulary.isin(genes).sum()
    if found["vocabulary"]["n_found"] < 30:
        assert "genes of the vocabulary are in the file" in found["rejected"]


def test_the_reference_check(tmp_path):
    path = tmp_path / "reference.h5ad"
    write_cells(path, n_cells=60, labels=("T", "T", "T", "T", "B", "Doublet"))
    arguments = ("check", path, "--reference", "--donor", "donor", "--tissue", "lung")
    found = json.loads(call(*arguments, "--json").stdout)[0]
    assert (found["labels"], found["n_donors"]) == ({"T": 40, "B": 10}, 2)
    assert [finding["topic"] for finding in found["findings"]] == ["labels", "few cells", "lineages"]
    assert "epithelium" in call(*arguments).stdout
    done = call("check", path, "--reference", "--exclude", "T")
    assert done.exit_code == 1
    assert "1 cell type(s), at least two" in done.stdout
    assert call("check", path, "--reference", "--label", "celltype").exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "nowhere.h5ad"),
        ("check", __file__, "--species", "rat"),
        ("check", __file__, "--tissue", "lung"),
        ("chekc", __file__),
        ("bundle", "show", "nowhere"),
        ("init",),
    ],
)
def test_wrong_usage_ends_with_2(arguments):
    assert call(*arguments).exit_code == 2


def test_the_card_of_a_bundle_is_shown(bundle):
    done = call("bundle", "show", bundle.folder)
    assert done.exit_code == 0
    assert done.stdout.startswith("# Model card")
    card = json.loads(call("bundle", "show", bundle.folder, "--json").stdout)
    assert [row["label"] for row in card["labels"]] == list(bundle.labels)


def test_a_folder_that_is_no_bundle_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cellcohort", "bundle", "show", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith(f"cellcohort: {tmp_path}: the model bundle lacks")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", [[], ["init"], ["check"], ["bundle"], ["bundle", "show"]])
def test_help_says_what_a_command_does(command):
    done = call(*command, "--help")
    assert done.exit_code == 0
    assert "Usage:" in done.stdout
    if command != ["bundle"]:
        assert "cellcohort" in done.stdout.split("Usage:")[1].split("\n", 1)[1]  # an example


def test_a_new_folder_plans_a_run_beside_the_clone(tmp_path):
    folder = tmp_path / "lung cohort"
    done = call("init", folder)
    assert done.exit_code == 0
    for name in ("reference", "S1"):
        write_cells(folder / f"{name}.h5ad")
    with (folder / "samples.tsv").open("a") as sheet:
        sheet.write("S1\tP1\tS1.h5ad\t\tlung\t\t\n")
    planned = snakemake(folder, "--dry-run", repo=folder, configfile=None)
    assert planned.returncode == 0, planned.stdout
    assert "annotate" in planned.stdout
    assert "results/report.html" in planned.stdout


@pytest.mark.parametrize("name", ["config.yaml", "samples.tsv", "Snakefile"])
def test_no_file_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    done = call("init", tmp_path)
    assert done.exit_code == 1
    assert {path.name for path in tmp_path.iterdir()} == {name}
    assert (tmp_path / name).read_text() == "mine"


def test_without_a_clone_the_workflow_has_to_be_named(tmp_path, monkeypatch):
    from cellcohort.commands import cohort_folder

    monkeypatch.setattr(cohort_folder, "_CLONE", tmp_path)
    done = call("init", tmp_path / "new")
    assert done.exit_code == 2
    assert "--workflow" in done.output
    assert call("init", tmp_path / "new", "--workflow", REPO).exit_code == 0
    assert str(REPO / "workflow" / "Snakefile") in (tmp_path / "new" / "Snakefile").read_text()


@pytest.mark.parametrize("command", ["--help", "check", "reference", "show", "init"])
def test_nothing_heavy_is_imported(tmp_path, file, bundle, command):
    arguments = {
        "check": ["check", str(file), "--bundle", str(bundle.folder)],
        "reference": ["check", str(file), "--reference"],
        "show": ["bundle", "show", str(bundle.folder)],
        "init": ["init", str(tmp_path / "new")],
    }.get(command, [command])
    code = "import sys; from cellcohort.commands.app import app\ntry: app(sys.argv[1:])\n"
    code += "except SystemExit: pass\nprint('LOADED', *sys.modules)"
    environ = os.environ | {"PYTHONPATH": str(REPO / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environ, text=True, capture_output=True, check=True
    )
    assert not HEAVY & set(done.stdout.split("LOADED")[1].split())
