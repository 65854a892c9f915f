"""Nothing that a user gives is evaluated: no pickle, no YAML of objects, no shell (design law 5)."""

from __future__ import annotations

import ast
import json
import os
import pickle
import re
import shutil
from contextlib import suppress
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
from hostile_names import NAMES
from odd_inputs.case import cells, run_sample
from tiny_cohort import REPO, snakemake, write_cells, write_cohort, write_config

from cellcohort.core.errors import InputError
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.obs_columns import columns

CODE = sorted([*(REPO / "scripts").rglob("*.py"), *(REPO / "demo").glob("*.py")])
RULES = [REPO / "Snakefile", REPO / "workflow" / "Snakefile", *sorted((REPO / "workflow" / "rules").glob("*.smk"))]
UNPICKLERS = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
RUNNERS = re.compile(r"os\.(system|popen|exec\w*|spawn\w*)|commands\.\w+|subprocess\.(getoutput|getstatusoutput)")
EVALUATE = {"eval", "exec", "compile", "__import__"}
OBJECT_LOADERS = {"yaml.load", "yaml.full_load", "yaml.unsafe_load", "pd.read_pickle", "pd.read_hdf", "runpy.run_path"}
UNSAFE_DIRECTIVES = re.compile(r"^\s*(shell|run|notebook|cwl)\s*:|\bshell\(", re.MULTILINE)


def findings(source: str) -> list[str]:
    """Calls in `source` that could run what they are given."""
    return [f"line {node.lineno}: {why}" for node in ast.walk(ast.parse(source)) if (why := _unsafe(node))]


def _unsafe(node: ast.AST) -> str | None:
    if isinstance(node, ast.ImportFrom) and node.module in UNPICKLERS:
        return f"imports from {node.module}"
    if isinstance(node, ast.Attribute):
        name = ast.unparse(node)
        if name.partition(".")[0] in UNPICKLERS and name != "pickle.UnpicklingError":
            return name
    return _unsafe_call(node) if isinstance(node, ast.Call) else None


def _unsafe_call(node: ast.Call) -> str | None:
    name, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
    if name in EVALUATE | OBJECT_LOADERS or RUNNERS.fullmatch(name):
        return name
    if given.get("shell", "False") != "False" or given.get("allow_pickle", "False") != "False":
        return f"{name} with shell or allow_pickle"
    if name == "torch.load" and given.get("weights_only") != "True":
        return "torch.load of more than weights"
    if name.endswith((".query", ".eval")) and node.args and not _is_safe_query(node):
        return f"{name} of a text that is made"
    return None


def _is_safe_query(node: ast.Call) -> bool:
    """A constant text, or what is no query of a table: a module of the network."""
    return isinstance(node.args[0], ast.Constant) or ast.unparse(node.func).startswith("self.")


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(REPO).as_posix())
def test_no_code_evaluates_what_it_is_given(path):
    assert findings(path.read_text()) == []


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.relative_to(REPO).as_posix())
def test_no_rule_has_a_shell_command(path):
    assert UNSAFE_DIRECTIVES.findall(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)",
        "os.system(f'ls {path}')",
        "subprocess.run(text, shell=True)",
        "yaml.load(text)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pickle.load(file)",
        "from pickle import loads",
        "pd.read_pickle(path)",
        "cells.query(f'label == {name}')",
    ],
)
def test_the_search_finds_what_it_looks_for(line):
    assert findings(line)


class Payload:
    """Leaves a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_the_payload_works(tmp_path):
    pickle.loads(pickle.dumps(Payload(tmp_path / "trace")))
    assert (tmp_path / "trace").is_dir()


def _refused_or_read(path: Path) -> None:
    """Open and read a sample as quality control, alignment and planning do; bad input alone may be raised."""
    run_sample({"path": path.name}, path.parent)
    with suppress(InputError):
        open_counts(path).read()
    with suppress(InputError):
        columns(path)


@pytest.mark.parametrize("place", ["var/_index", "X/data", "obs/cell_type/categories"])
@pytest.mark.parametrize(
    ("dtype", "filters", "compressor"),
    [
        ("|O", ["pickle"], None),
        ("|O", ["vlen-utf8", "pickle"], None),
        ("|O", ["pickle", "vlen-utf8"], None),
        ("|O", ["vlen-utf8"], "pickle"),
        ("<f4", ["pickle"], None),
    ],
)
def test_a_zarr_store_is_not_unpickled(tmp_path, place, dtype, filters, compressor):
    store = tmp_path / "S.zarr"
    with ad.settings.override(zarr_write_format=2):
        adata = cells()
        adata.strings_to_categoricals()
        adata.write_zarr(store)
    (store / ".zmetadata").unlink(missing_ok=True)
    array = json.loads((store / place / ".zarray").read_text())
    codecs = {"filters": [{"id": name} for name in filters], "compressor": compressor and {"id": compressor}}
    (store / place / ".zarray").write_text(json.dumps(array | codecs | {"dtype": dtype, "fill_value": None}))
    for chunk in (store / place).glob("[0-9]*"):
        chunk.write_bytes(pickle.dumps(Payload(tmp_path / "trace")))
    _refused_or_read(store)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("place", ["var/_index", "obs/_index", "obs/cell_type", "uns/log1p", "layers/counts", "X"])
def test_pickled_bytes_in_an_h5ad_are_bytes(tmp_path, place):
    path = tmp_path / "S.h5ad"
    cells().write_h5ad(path)
    payload = pickle.dumps(Payload(tmp_path / "trace"))
    with h5py.File(path, "r+") as file:
        if place in file:
            del file[place]
        file[place] = np.full((60, 40) if place in ("X", "layers/counts") else 60, np.void(payload))
    _refused_or_read(path)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("name", ["S.h5ad", "S.h5", "matrix.mtx", "barcodes.tsv", "features.tsv", "S.npy"])
def test_a_pickle_under_another_name_is_not_loaded(tmp_path, name):
    folder = tmp_path / "S"
    folder.mkdir()
    for part, text in {
        "matrix.mtx": "%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1\n",
        "barcodes.tsv": "AAAC-1\n",
        "features.tsv": "ENSG01\tCD3D\tGene Expression\n",
    }.items():
        (folder / part).write_text(text)
    path = (folder if (folder / name).exists() else tmp_path) / name
    path.write_bytes(pickle.dumps(Payload(tmp_path / "trace")))
    _refused_or_read(folder if path.parent == folder else path)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.mkdir [trace]", "!!python/name:os.system"])
def test_a_config_makes_no_objects(cohort, stand_in, tag):
    (cohort / "config.yaml").write_text(f"samples: samples.tsv\nreference: {{path: reference.h5ad, label: {tag}}}\n")
    done = snakemake(cohort, "--dry-run", repo=stand_in)
    assert done.returncode != 0
    assert not (cohort / "trace").exists()


@pytest.fixture
def cohort(tmp_path) -> Path:
    return write_cohort(tmp_path / "cohort")


def test_names_with_shell_commands_are_names(cohort, stand_in):
    """File names, columns and descriptions that a shell, Python or Snakemake would take for more than text."""
    path, column = "A1; touch hacked; $(touch hacked) `touch hacked` & 'x' .h5ad", "cell type; $(touch hacked)"
    write_cells(cohort / "reference.h5ad")
    reference = ad.read_h5ad(cohort / "reference.h5ad")
    reference.obs[column] = reference.obs["cell_type"]
    reference.write_h5ad(cohort / "reference.h5ad")
    shutil.move(cohort / "A1.h5ad", cohort / path)
    described = "\t".join([NAMES["B_cell"], "${HOME} <b>", "__import__('os').mkdir('hacked')"])
    (cohort / "samples.tsv").write_text(
        "sample_id\tpatient_id\tpath\ttissue\tbatch\tcondition\n" + f"A1\tA\t{path}\t{described}\n"
    )
    write_config(cohort, reference={"path": "reference.h5ad", "label": column}, report={"title": NAMES["B_cell"]})
    done = snakemake(cohort, "results/samples/A1/annotation.parquet", "--cores", "2", repo=stand_in)
    assert done.returncode == 0, done.stdout
    assert not list(cohort.rglob("hacked"))
