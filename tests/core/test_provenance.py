import hashlib
import shutil

import pytest

from cellcohort import __version__
from cellcohort.bundle.manifest import write_manifest
from cellcohort.core import provenance
from cellcohort.core.errors import InputError
from cellcohort.core.files import checksum, read_json, write_json
from cellcohort.inputs.bundle_files import check_bundle
from cellcohort.outputs.parquet import empty, write_table
from cellcohort.outputs.schemas import HISTORY


@pytest.fixture(autouse=True)
def no_job():
    """Leave no facts behind for other tests."""
    yield
    provenance._facts.clear()


def job(folder, name, params, inputs=(), **facts):
    """Play a job: it writes the table `name`.parquet and the record `name`.json; returns the table's facts."""
    provenance.start(params, list(inputs))
    provenance.add_facts(**facts)
    write_table(folder / f"{name}.parquet", empty(HISTORY), HISTORY)
    write_json(folder / f"{name}.json", {provenance.NAME: provenance.current()})
    return provenance.read(folder / f"{name}.parquet")


def test_a_table_and_a_record_carry_the_facts_of_their_job(tmp_path):
    facts = job(tmp_path, "qc", {"qc": {"n_mads": 7}}, input_sha256="abc")
    assert facts == provenance.read(tmp_path / "qc.json")
    assert facts["workflow_version"] == __version__
    assert facts["input_sha256"] == "abc"
    assert set(facts) == {"workflow_version", "config_sha256", "input_sha256"}


def test_facts_are_handed_on(tmp_path):
    job(tmp_path, "qc", {}, input_sha256="sample")
    job(tmp_path, "vocabulary", {}, reference_sha256="healthy")
    facts = job(tmp_path, "annotation", {}, [tmp_path / "qc.parquet", tmp_path / "vocabulary.json", "cells.h5ad"])
    assert (facts["input_sha256"], facts["reference_sha256"]) == ("sample", "healthy")


def test_several_inputs_make_one_digest_whatever_their_order(tmp_path):
    for name in ("a", "b"):
        job(tmp_path, name, {}, input_sha256=name)
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    both, back = (job(tmp_path, "both", {}, inputs)["input_sha256"] for inputs in (paths, paths[::-1]))
    assert both == back
    assert both not in {"a", "b"}


def test_the_digest_of_the_config_covers_the_jobs_before_and_names_no_sample(tmp_path):
    digests = {}
    for n_mads in (5, 7):
        job(tmp_path, "qc", {"qc": {"n_mads": n_mads}})
        for sample in ("A", "B"):
            facts = job(tmp_path, f"annotation{sample}", {"ood": {"alpha": 0.05}}, [tmp_path / "qc.json"])
            digests[n_mads, sample] = facts["config_sha256"]
    assert digests[5, "A"] == digests[5, "B"] != digests[7, "A"] == digests[7, "B"]


def test_the_digest_of_the_config_covers_the_content_of_the_users_tables(tmp_path):
    digests = set()
    for content in ("chr1", "chr2"):
        (tmp_path / "arms.tsv").write_text(content)
        provenance.start({"cnv": {"window": 100}}, [], user_tables=[str(tmp_path / "arms.tsv")])
        digests.add(provenance.current()["config_sha256"])
    assert len(digests) == 2


def test_how_a_file_is_read_is_a_setting(tmp_path):
    read = [{"sample": {"counts": place}} for place in ("X", "layers/raw")]
    first, second = (job(tmp_path, "qc", given)["config_sha256"] for given in read)
    assert first != second


def test_a_checksum_is_of_the_content(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "matrix.mtx").write_bytes(b"counts")
    whole = checksum(tmp_path / "folder")
    assert checksum(tmp_path / "folder" / "matrix.mtx") == hashlib.sha256(b"counts").hexdigest()
    assert checksum(shutil.copytree(tmp_path / "folder", tmp_path / "copy")) == whole
    (tmp_path / "folder" / "matrix.mtx").write_bytes(b"count")
    assert checksum(tmp_path / "folder") != whole


def test_the_hash_of_a_bundle_is_of_all_its_files(bundle, tmp_path):
    copy = type(bundle).open(shutil.copytree(bundle.folder, tmp_path / "copy"))
    assert copy.sha256 == bundle.sha256
    metrics = read_json(copy.folder / "metrics.json")
    write_json(copy.folder / "metrics.json", metrics | {"n_cells": 1})
    write_manifest(copy.folder)
    assert type(bundle).open(copy.folder).sha256 != bundle.sha256


def test_a_bundle_with_the_weights_of_another_run_is_noticed(bundle, tmp_path):
    copy = shutil.copytree(bundle.folder, tmp_path / "copy")
    with (copy / "weights.safetensors").open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\0\0\0\1")
    with pytest.raises(InputError, match=r"other weights.*calibrate anew"):
        check_bundle(copy)
