"""Faults of ours fail the job with a sentence (design law 9); where writing fails, no half of a result is left."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from run_script import run_script
from small_reference import LABELS, write_sample
from stand_ins import copy_repository
from tiny_cohort import snakemake, write_config

from cellcohort.bundle.model_bundle import Bundle
from cellcohort.inputs.bundle_files import BUNDLE_FILES
from cellcohort.inputs.resources import resource_path
from cellcohort.model.linear import write_linear_models
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import QC

CHAIN = ["quality_control", "align_genes", "measure_blocks", "annotate", "call_ood", "extract_ood"]
SAMPLE = {"sample_id": "S", "patient_id": "P"}
HEALTHY = {"healthy_types": "healthy_types.parquet", "null": "positional.json"}
PLACES = {
    "annotate": ("annotation/annotate.py", "    asked = "),
    "quality_control": ("qc/quality_control.py", "    thresholds = "),
}


@pytest.fixture
def cohort(tmp_path, bundle) -> Path:
    """A sample of 30 cells, to be annotated by the small bundle."""
    folder = tmp_path / "cohort"
    folder.mkdir()
    write_sample(folder / "S.h5ad", np.resize(np.array(LABELS, object), 30))
    (folder / "samples.tsv").write_text("sample_id\tpatient_id\tpath\nS\tP\tS.h5ad\n")
    limits = {"min_genes": 1, "min_counts": 1}
    write_config(folder, reference={}, model={"bundle": str(bundle.folder)}, qc=limits, vocabulary={"min_share": 0.1})
    return folder


@pytest.mark.parametrize("rule", PLACES)
def test_a_key_error_in_our_code_fails_the_job_and_rejects_no_sample(cohort, tmp_path, rule):
    name, place = PLACES[rule]
    clone = copy_repository(tmp_path / "clone")
    module = clone / "scripts" / "cellcohort" / name
    text = module.read_text()
    assert text.count(place) == 1
    module.write_text(text.replace(place, f'    {{}}["bug"]\n{place}'))
    target = "results/samples/S/annotation.parquet"
    done = snakemake(cohort, target, "--cores", "1", "--retries", "0", repo=clone)
    assert done.returncode != 0
    assert f".{rule}.py' returned non-zero exit status" in done.stdout
    assert "KeyError: 'bug'. This is no mistake in your input" in done.stdout
    assert "Copy or write it again" not in done.stdout
    log = (cohort / "results" / "logs" / rule / "S.log").read_text()
    assert "Traceback" in log
    assert Path(name).name in log
    assert not (cohort / "results/samples/S/annotation.parquet").exists()
    assert "rejected" not in log


class Job:
    """The jobs of one sample in a folder, with their scripts run in this process."""

    def __init__(self, folder: Path, cohort: Path, bundle: Bundle) -> None:
        self.folder, self.counts, self.bundle = folder, cohort / "S.h5ad", bundle

    def made(self, *names: str) -> dict[str, Path]:
        """Paths of results by their names without suffix."""
        return {name.partition(".")[0]: self.folder / name for name in names}

    def run(self, rule: str) -> None:
        given, made, params = getattr(self, rule)()
        run_script(rule, given=given, made=made, params=params, log=self.folder / "log")

    def quality_control(self) -> tuple[dict, dict, dict]:
        settings = {"qc": {"min_genes": 1, "min_counts": 1, "max_mito_share": 1, "n_mads": 9, "doublets": False}}
        made = self.made("qc.parquet", "input.json")
        return {"counts": self.counts}, made, {"sample": SAMPLE, "settings": settings}

    def align_genes(self) -> tuple[dict, dict, dict]:
        given = {"counts": self.counts, "vocabulary": self.bundle.folder / "vocabulary.parquet"}
        params = {"sample": SAMPLE, "on_invalid": "reject", "settings": {"min_share": 0.1}}
        return given | self.made("input.json"), self.made("genes.parquet", "status.json"), params

    def measure_blocks(self) -> tuple[dict, dict, dict]:
        given = {"counts": self.counts, "positions": resource_path("gene_positions_hg38.tsv.gz")}
        given |= self.made("qc.parquet", "genes.parquet", "status.json")
        given |= {name: self.bundle.folder / path for name, path in HEALTHY.items()}
        return given, self.made("positional.parquet"), {"sample": SAMPLE, "settings": {}, "user_tables": ["positions"]}

    def annotate(self) -> tuple[dict, dict, dict]:
        given = {"counts": self.counts, "bundle": [self.bundle.folder / name for name in BUNDLE_FILES]}
        tables = [f"{name}.parquet" for name in ("scores", "embedding", "gene_scores", "programs")]
        params = {"sample": SAMPLE, "settings": {"shift": "auto", "device": "cpu"}}
        given |= self.made("qc.parquet", "genes.parquet", "status.json", "positional.parquet")
        return given, self.made(*tables, "anchors.json"), params

    def call_ood(self) -> tuple[dict, dict, dict]:
        given = self.made("scores.parquet", "anchors.json")
        return given, self.made("annotation.parquet", "shift.json"), {"settings": {"alpha": 0.05, "coverage": 0.9}}

    def extract_ood(self) -> tuple[dict, dict, dict]:
        given = {"counts": self.counts} | self.made("status.json", "annotation.parquet", "embedding.parquet")
        return given, self.made("ood.h5ad"), {"sample": SAMPLE, "settings": {}}

    def calibrate_model(self) -> tuple[dict, dict, dict]:
        trained = ("weights.safetensors", "config.json", "history.parquet", *HEALTHY.values())
        for name in trained:
            (self.folder / name).write_bytes((self.bundle.folder / name).read_bytes())
        given = {"tokens": self.bundle.folder.parent / "tokens.arrow"} | self.made(*trained)
        given["linear_models"] = self.folder / "linear_models.safetensors"
        write_linear_models(given["linear_models"], None)
        given["vocabulary"] = self.bundle.folder / "vocabulary.parquet"
        given["qc"] = self.folder / "reference_qc.parquet"
        write_table(given["qc"], QC.empty_table(), QC)
        made = self.made(*(name for name in BUNDLE_FILES if name not in trained))
        return given, made, {"settings": {"train": {"device": "cpu", "seed": 1}, "keep_ids": False}}


def _fails_at(number: int) -> Callable[[Path, Path], Path]:
    """A `Path.replace` that finds the disk full at its call of that number."""
    replace, calls = Path.replace, iter(range(1000))

    def fail(self: Path, target: Path) -> Path:
        if next(calls) == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return replace(self, target)

    return fail


@pytest.mark.parametrize("rule", [*CHAIN, "calibrate_model"])
def test_a_write_that_fails_at_any_stage_leaves_whole_files(cohort, tmp_path, bundle, monkeypatch, rule):
    clean = Job(tmp_path / "clean", cohort, bundle)
    clean.folder.mkdir()
    for before in CHAIN[: CHAIN.index(rule)] if rule in CHAIN else []:
        clean.run(before)
    clean.run(rule)
    _, outputs, _ = getattr(clean, rule)()
    right = {path.name: path.read_bytes() for path in outputs.values()}
    for number in range(len(right)):
        broken = Job(shutil.copytree(clean.folder, tmp_path / f"broken{number}"), cohort, bundle)
        for name in right:
            (broken.folder / name).unlink()
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", _fails_at(number))
            with pytest.raises(OSError, match="No space left"):
                broken.run(rule)
        found = {path.name: path.read_bytes() for path in broken.folder.iterdir()}
        assert not [name for name in found if name.startswith(".")]
        assert {name: found[name] for name in right if name in found}.items() < right.items()
        assert "manifest.json" not in found  # written last
        broken.run(rule)
        assert {name: (broken.folder / name).read_bytes() for name in right} == right
