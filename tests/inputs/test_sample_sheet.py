"""Reading the sample sheet, and every mistake in config, sheet or reference that must stop a run before any job."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
import yaml
from snakemake.io import PeriodicityDetector
from tiny_cohort import REPO, SHEET, snakemake, write_cells, write_cohort, write_config

from cellcohort.core.errors import InputError
from cellcohort.core.files import write_json
from cellcohort.inputs import check_inputs, obs_columns
from cellcohort.inputs.check_inputs import check_data, check_samples
from cellcohort.inputs.sample_sheet import matrix_files, read_sheet, samples_by_patient
from cellcohort.inputs.user_paths import check_path, check_results

SCHEMA = yaml.safe_load((REPO / "workflow/schemas/samples.schema.yaml").read_text())
HEADER = "sample_id\tpatient_id\tpath"


def read(tmp_path, text: str):
    path = tmp_path / "samples.tsv"
    path.write_text(text)
    return read_sheet(path, SCHEMA)


def test_rows_keep_their_order_and_types(tmp_path):
    rows = read(tmp_path, f"{HEADER}\tdoublets\tn_mads\tmin_genes\nb\tP\tb.h5ad\tfalse\t2.5\t7\n\na\tP\ta.h5ad\t\t\t\n")
    assert rows == [
        {
            "sample_id": "b",
            "patient_id": "P",
            "path": "b.h5ad",
            "doublets": False,
            "n_mads": 2.5,
            "min_genes": 7,
        },
        {"sample_id": "a", "patient_id": "P", "path": "a.h5ad"},
    ]
    assert samples_by_patient(rows) == {"P": ["b", "a"]}


def test_a_sheet_saved_by_a_spreadsheet_is_read(tmp_path):
    assert read(tmp_path, f"\ufeff{HEADER}\r\n001\t1e5\t x.h5ad \r\n") == [
        {"sample_id": "001", "patient_id": "1e5", "path": "x.h5ad"}
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no samples"),
        (f"{HEADER}\n", "no samples"),
        ("sample_id,patient_id,path\na,P,x\n", "line 1: one column only. Separate the columns by tabs"),
        ("sample_id\tpath\na\tx\n", "line 1: column patient_id is missing. Add it"),
        (f"{HEADER}\ttruht\na\tP\tx\ty\n", r"column 'truht': unknown column\. Did you mean truth\?"),
        (f"{HEADER}\tpath\na\tP\tx\ty\n", "column path: twice in the header"),
        (f"{HEADER}\na\tP\tx\textra\n", "line 2: 4 cells, but the header has 3"),
        (f"{HEADER}\na\t\tx\n", "line 2, column patient_id: missing. Set it"),
        (f"{HEADER}\nb\tP\tx\n\na/b\tP\tx\n", "line 4, column sample_id: 'a/b' does not match"),
        (f"{HEADER}\n.a\tP\tx\n", "line 2, column sample_id: '.a' does not match"),
        (f"{HEADER}\na\t..\tx\n", "line 2, column patient_id: '..' does not match"),
        (f"{HEADER}\na\tP\tx\na\tQ\ty\n", "line 3, column sample_id: a is there already in line 2"),
        (f"{HEADER}\tspecies\na\tP\tx\tfly\n", "line 2, column species: 'fly' is not one of"),
        (f"{HEADER}\tknown_arms\na\tP\tx\t1p-;19q-\n", "line 2, column known_arms: '1p-;19q-' does not match"),
        (f"{HEADER}\tknown_arms\na\tP\tx\t23p-\n", "line 2, column known_arms: '23p-' does not match"),
        (f"{HEADER}\tmin_genes\na\tP\tx\tfew\n", "line 2, column min_genes: 'few' is not of type 'integer'"),
        (f"{HEADER}\tdoublets\na\tP\tx\t1\n", "line 2, column doublets: '1' is not of type 'boolean'"),
        (f"{HEADER}\tcounts\na\tP\tx\tlayer\n", "line 2, column counts: 'layer' does not match"),
    ],
)
def test_a_mistake_is_named_with_line_and_column(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "samples.tsv"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_a_sheet_that_is_not_utf_8_is_named(tmp_path, encoding):
    path = tmp_path / "samples.tsv"
    path.write_bytes(f"{HEADER}\ttissue\na\tP\tx\tMilz, Müller\n".encode(encoding))
    with pytest.raises(InputError, match=r"samples\.tsv: .* Save it as UTF-8"):
        read_sheet(path, SCHEMA)


@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
def test_a_broken_file_with_a_truth_is_left_to_its_job(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    path.mkdir() if kind == "zarr" else path.write_bytes(b"no HDF5")
    row = {"sample_id": "a", "patient_id": "P", "path": str(path), "truth": "cell_type"}
    check_samples([row], "samples.tsv")
    with pytest.raises(InputError, match=f"a.{kind}: it cannot be read"):
        obs_columns.distinct(path, "cell_type")


def test_labels_that_differ_by_blanks_are_one_class(tmp_path):
    write_cells(tmp_path / "cells.h5ad", labels=("T", " T", ""))
    assert obs_columns.distinct(tmp_path / "cells.h5ad", "cell_type") == {"T"}


def test_files_of_a_10x_folder_are_found(tmp_path):
    folder = tmp_path / "matrix"
    folder.mkdir()
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz", "notes.txt"):
        (folder / name).touch()
    assert sorted(matrix_files(folder)) == [
        str(folder / name) for name in ("barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz")
    ]
    assert matrix_files(tmp_path / "x.h5ad") == []


@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
@pytest.mark.parametrize("categorical", [True, False])
def test_obs_is_read_without_anndata(tmp_path, kind, categorical):
    write_cells(tmp_path / "cells.h5ad", labels=("T", "B"))
    cells = ad.read_h5ad(tmp_path / "cells.h5ad")
    cells.obs["cell_type"] = cells.obs["cell_type"].cat.add_categories("absent")
    if not categorical:
        cells.obs["cell_type"] = cells.obs["cell_type"].astype(str)
    path = tmp_path / f"again.{kind}"
    cells.write_h5ad(path, convert_strings_to_categoricals=False) if kind == "h5ad" else cells.write_zarr(
        path, convert_strings_to_categoricals=False
    )
    assert set(obs_columns.columns(path)) == {"cell_type", "donor"}
    assert obs_columns.distinct(path, "cell_type") == {"T", "B"}


def test_missing_labels_are_no_class(tmp_path):
    write_cells(tmp_path / "cells.h5ad", labels=("T", "B"))
    cells = ad.read_h5ad(tmp_path / "cells.h5ad")
    cells.obs.loc[cells.obs["cell_type"] == "B", "cell_type"] = None
    cells.write_h5ad(tmp_path / "again.h5ad")
    assert obs_columns.distinct(tmp_path / "again.h5ad", "cell_type") == {"T"}


def test_labels_of_pandas_own_type_of_text_are_read(tmp_path):
    write_cells(tmp_path / "cells.h5ad", labels=("T", "B"))
    with h5py.File(tmp_path / "cells.h5ad", "r+") as file:
        column = file["obs/cell_type"]
        categories = column["categories"][:]
        del column["categories"]
        column["categories/values"], column["categories/mask"] = categories, np.zeros(len(categories), bool)
    assert obs_columns.distinct(tmp_path / "cells.h5ad", "cell_type") == {"T", "B"}


def test_what_a_spreadsheet_leaves_behind_changes_no_value(tmp_path):
    rows = read(
        tmp_path, '# spring\n#sample_id\t"patient_id"\t\tpath\ttissue\t\n"a"\tP\t\t"x y.h5ad"\t"the ""left"" 5"\t\r\n'
    )
    assert rows == [{"sample_id": "a", "patient_id": "P", "path": "x y.h5ad", "tissue": 'the "left" 5'}]


@pytest.mark.parametrize(
    "name", ["A" * 19, "A" * 20, "ab" * 19, "ab" * 20 + "c", "cab" * 33, "S" + "0" * 20, "x" + "abc" * 20]
)
def test_names_that_snakemake_takes_for_a_loop_are_refused_and_no_others(tmp_path, name):
    loop = PeriodicityDetector().is_periodic(name) is not None
    with pytest.raises(InputError, match="endless loop") if loop else nullcontext():
        read(tmp_path, f"{HEADER}\n{name}\tP\tx\n")


def test_a_sheet_beside_its_config_is_pointed_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "sheet.tsv").write_text(f"{HEADER}\na\tP\tx\n")
    with pytest.raises(InputError, match=f"relative paths start at {tmp_path}: write settings/sheet.tsv"):
        read_sheet("sheet.tsv", SCHEMA, files=[str(settings / "config.yaml")])


def test_what_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "samples.tsv").touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"samples\.tsv: it cannot be read \(.*Permission denied"):
        read_sheet(tmp_path / "samples.tsv", SCHEMA)
    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(InputError, match=r"config: reference\.path: r\.h5ad: Permission denied\. Correct the path"):
        check_path("r.h5ad", "config: reference.path")


def test_results_that_cannot_be_written_stop_the_plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_results("results/demo")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match=r"pathvars\.results: \. cannot be written to\. Name another folder"):
        check_results("results/demo")


def test_labels_of_normal_cells_are_labels_of_the_bundle(tmp_path, monkeypatch):
    monkeypatch.chdir(write_cohort(tmp_path))
    monkeypatch.setattr(check_inputs, "check_bundle", lambda folder: None)
    write_json(
        tmp_path / "model" / "metrics.json", {"confusion": {"labels": ["T_cell", "B_cell"], "counts": [[1, 0], [0, 1]]}}
    )
    config = {
        "samples": "samples.tsv",
        "model": {"bundle": "model"},
        "explain": {"gene_sets": None},
        "cnv": {"positions": None, "arms": None, "genome": "hg38", "normal_labels": ["T_cell"]},
        "pathvars": {"results": "results"},
        "reference": {},
        "vocabulary": {"panels": []},
    }
    check_data([], config)
    config["cnv"]["normal_labels"] = ["T cell"]
    with pytest.raises(InputError, match=r"cnv\.normal_labels: 'T cell' is no label\. Did you mean T_cell\?"):
        check_data([], config)


def test_planning_imports_nothing_heavy():
    heavy = {"torch", "scanpy", "anndata", "numba", "zarr", "pandas", "pyarrow"}
    code = f"import sys, cellcohort.inputs.check_inputs, cellcohort.inputs.resources; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO / "scripts", text=True, capture_output=True, check=True
    )
    assert done.stdout.strip() == "set()"


def _sheet(text: str):
    return lambda folder: (folder / "samples.tsv").write_text(text)


def _config(**config):
    return lambda folder: write_config(folder, **config)


MISTAKES = {
    "empty config": (lambda folder: (folder / "config.yaml").write_text(""), "must be given as JSON or YAML"),
    "pathvar in a path": (_sheet(f"{HEADER}\nA\tA\t<b>.h5ad\n"), "<b>.h5ad holds a word in angle brackets"),
    "one letter 30 times": (
        _sheet(f"{HEADER}\n{'A' * 30}\tA\tA1.h5ad\n"),
        "which Snakemake refuses as an endless loop",
    ),
    "unknown key": (_config(qc={"min_gene": 1}), "config.yaml: qc.min_gene: unknown key. Did you mean min_genes?"),
    "missing column": (
        _sheet(SHEET.replace("patient_id", "truth", 1).replace("truth\tmin", "tissue\tmin")),
        "samples.tsv: line 1: column patient_id is missing. Add it",
    ),
    "missing sheet": (_config(samples="none.tsv"), "none.tsv: sample sheet not found. Set samples in the config"),
    "missing file": (
        lambda folder: (folder / "A2.h5ad").unlink(),
        "samples.tsv: sample A2, column path: A2.h5ad does not exist. Correct the path",
    ),
    "unknown format": (
        lambda folder: ((folder / "x.csv").touch(), _sheet(f"{HEADER}\nA\tA\tx.csv\n")(folder)),
        "samples.tsv: sample A, column path: x.csv is of no known format. Use",
    ),
    "braces in a path": (
        lambda folder: ((folder / "{x}.h5ad").touch(), _sheet(f"{HEADER}\nA\tA\t{{x}}.h5ad\n")(folder)),
        "samples.tsv: sample A, column path: {x}.h5ad holds a brace, which Snakemake reads as a wildcard. Rename",
    ),
    "braces in the bundle": (_config(model={"bundle": "{x}"}), "config: model.bundle: {x} holds a brace"),
    "braces in the arms": (_config(cnv={"arms": "{x}.tsv"}), "config: cnv.arms: {x}.tsv holds a brace"),
    "sheet in UTF-16": (
        lambda folder: (folder / "samples.tsv").write_bytes(SHEET.encode("utf-16")),
        "samples.tsv: it is not UTF-8 text. Save it as UTF-8",
    ),
    "duplicate sample": (_sheet(SHEET.replace("A2\tA", "A1\tA")), "samples.tsv: line 3, column sample_id: A1 is there"),
    "path characters": (_sheet(SHEET.replace("A2\tA", "../A2\tA")), "samples.tsv: line 3, column sample_id: '../A2'"),
    "truth column": (
        _sheet(SHEET.replace("cell_type", "celltype")),
        "samples.tsv: sample A1, column truth: A1.h5ad has no obs column 'celltype'. Did you mean cell_type?",
    ),
    "missing reference": (
        _config(reference={"path": "none.h5ad"}),
        "config: reference.path: none.h5ad does not exist. Correct the path",
    ),
    "label column": (
        _config(reference={"path": "reference.h5ad", "label": "celltype"}),
        "reference.label: reference.h5ad has no obs column 'celltype'. Did you mean cell_type?",
    ),
    "donor column": (
        _config(reference={"path": "reference.h5ad", "donor": "patient"}),
        "reference.donor: reference.h5ad has no obs column 'patient'. Known are: cell_type, donor. Set it to null",
    ),
    "one class": (
        lambda folder: write_cells(folder / "reference.h5ad", labels=("T",)),
        "reference.h5ad: obs column cell_type (reference.label): 1 cell type(s), at least two are needed",
    ),
    "broken reference": (
        lambda folder: (folder / "reference.h5ad").write_bytes(b"no HDF5"),
        "reference.h5ad: it cannot be read",
    ),
    "bundle": (
        _config(model={"bundle": "."}),
        ".: the model bundle lacks config.json, weights.safetensors",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_stops_the_run_before_any_job(tmp_path, mistake):
    spoil, message = MISTAKES[mistake]
    spoil(write_cohort(tmp_path))
    done = snakemake(tmp_path, "--cores", "1")
    assert done.returncode != 0
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert "Building DAG" not in done.stdout
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("arms", ["1p-,19q-", "7q+", "Xp-, 22q+"])
def test_known_arms_are_kept_as_they_are_written(tmp_path, arms):
    sheet = tmp_path / "samples.tsv"
    sheet.write_text(f"{HEADER}\tknown_arms\na\tP\tx\t{arms}\n")
    assert read_sheet(sheet, SCHEMA)[0]["known_arms"] == arms
