"""What the workflow plans: every profile, options and a growing cohort."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from snakemake.io import is_flagged
from tiny_cohort import REPO, SHEET, snakemake, write_cells, write_cohort, write_config
from workflow_plan import plan, planned_groups, planned_jobs

REFERENCE_RULES = {
    "check_reference",
    "select_vocabulary",
    "tokenise_reference",
    "train_model",
    "sum_healthy_types",
    "calibrate_model",
    "write_model_card",
}
SAMPLE_RULES = {
    "quality_control",
    "align_genes",
    "measure_blocks",
    "annotate",
    "call_ood",
    "extract_ood",
    "split_cnv",
    "split_verdict",
}
PATIENT_RULES = {"infer_cnv", "assign_verdict", "rank_markers"}
COHORT_RULES = {
    "collect_status",
    "collect_annotation",
    "collect_verdict",
    "collect_explanations",
    "enrichment",
    "collect_cnv",
    "collect_cells",
    "collect_sections",
    "compare_origins",
    "evaluate",
    "project_umap",
    "integration",
    "report",
}
PROFILES = sorted(path.parent.name for path in (REPO / "profiles").glob("*/config.yaml"))
TABLES = [
    "verdict",
    "annotation",
    "samples",
    "composition",
    "ood",
    "origins",
    "cnv_arms",
    "cnv_patients",
    "cnv_origins",
    "markers",
    "cnv_reference",
    "cnv_limits",
    "gene_scores",
    "programs",
    "enrichment",
    "origin_genes",
    "origin_gene_sets",
    "evaluation",
]
# Whose outputs a rule reads.
DEPENDENCIES = {
    "quality_control": "",
    "check_reference": "",
    "select_vocabulary": "check_reference",
    "tokenise_reference": "check_reference select_vocabulary",
    "train_model": "select_vocabulary tokenise_reference",
    "sum_healthy_types": "check_reference select_vocabulary",
    "calibrate_model": "check_reference select_vocabulary sum_healthy_types tokenise_reference train_model",
    "write_model_card": "calibrate_model train_model",
    "align_genes": "quality_control select_vocabulary",
    "measure_blocks": "align_genes quality_control sum_healthy_types",
    "annotate": "align_genes calibrate_model measure_blocks quality_control sum_healthy_types train_model",
    "call_ood": "annotate",
    "extract_ood": "align_genes annotate call_ood",
    "infer_cnv": "align_genes call_ood check_reference measure_blocks",
    "split_cnv": "infer_cnv",
    "assign_verdict": "call_ood infer_cnv measure_blocks",
    "split_verdict": "assign_verdict",
    "rank_markers": "align_genes assign_verdict call_ood",
    "collect_status": "align_genes",
    "collect_annotation": "call_ood",
    "collect_verdict": "rank_markers split_verdict",
    "collect_explanations": "annotate",
    "enrichment": "collect_explanations",
    "collect_cnv": "infer_cnv split_cnv",
    "project_umap": "annotate calibrate_model call_ood split_cnv",
    "collect_cells": "align_genes annotate calibrate_model call_ood collect_status project_umap split_cnv "
    "split_verdict",
    "collect_sections": "calibrate_model collect_cells sum_healthy_types train_model",
    "compare_origins": "calibrate_model collect_cells sum_healthy_types train_model",
    "evaluate": "calibrate_model collect_annotation",
    "integration": "annotate calibrate_model call_ood",
    "report": "align_genes calibrate_model check_reference collect_annotation collect_cnv collect_explanations "
    "collect_sections collect_status collect_verdict compare_origins enrichment evaluate infer_cnv integration "
    "project_umap quality_control train_model",
    "cohort": "collect_annotation collect_cells collect_cnv collect_explanations collect_sections collect_status "
    "collect_verdict compare_origins enrichment evaluate extract_ood integration report split_cnv write_model_card",
}
ONLY_IN_THE_COHORT_REPORT = {"cnv", "cnv_groups", "genes", "sections", "evaluation"}


@pytest.fixture
def cohort(tmp_path) -> Path:
    """A working directory with a tiny cohort."""
    return write_cohort(tmp_path / "cohort")


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory, stand_in) -> Path:
    """A working directory in which the stand-in workflow has run to its end."""
    folder = write_cohort(tmp_path_factory.mktemp("finished") / "cohort")
    done = snakemake(folder, "--cores", "2", repo=stand_in)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def finished(tmp_path, finished_once) -> Path:
    """A copy of it, with its times."""
    return Path(shutil.copytree(finished_once, tmp_path / "finished"))


def planned(output: str) -> dict[str, int]:
    """Jobs of each rule in the table that a dry run prints."""
    table = output.split("Job stats:")[1].split("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def pending(folder: Path, repo: Path) -> set[str]:
    """The result files that a run would make."""
    done = snakemake(folder, "--summary", "--workflow-profile", "none", repo=repo)
    assert done.returncode == 0, done.stdout
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("results/")]
    return {row[0] for row in rows if row[-1] != "no update"}


def test_every_rule_runs_as_often_as_the_design_says(cohort):
    done = snakemake(cohort, "--dry-run")
    assert done.returncode == 0, done.stdout
    once = REFERENCE_RULES | COHORT_RULES | {"cohort"}
    assert planned(done.stdout) == dict.fromkeys(once, 1) | dict.fromkeys(SAMPLE_RULES, 3) | dict.fromkeys(
        PATIENT_RULES, 2
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_plans_a_run(cohort, profile):
    if profile == "demo":  # names its own config and data below demo/
        shutil.copytree(REPO / "demo", cohort / "demo", ignore=shutil.ignore_patterns("*.h5ad"))
        for seed, name in enumerate(("reference", "P13", "P14")):
            write_cells(cohort / "demo" / f"{name}.h5ad", seed=seed)
    arguments = ("--dry-run", "--workflow-profile", str(REPO / "profiles" / profile))
    done = snakemake(cohort, *arguments, configfile=None if profile == "demo" else "config.yaml")
    assert done.returncode == 0, done.stdout
    assert planned(done.stdout)["annotate"] == (2 if profile == "demo" else 3)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_key_of_a_profile_is_explained(profile):
    lines = (REPO / "profiles" / profile / "config.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"[a-z-]+:", line):
            assert lines[number - 1].startswith("#") or "#" in line or not lines[number - 1], line


def test_slurm_gives_a_gpu_to_the_model_steps_alone():
    profile = yaml.safe_load((REPO / "profiles/slurm/config.yaml").read_text())
    assert {rule for rule, wants in profile["set-resources"].items() if wants.get("gpu")} == {
        "train_model",
        "calibrate_model",
        "annotate",
    }


def test_slurm_groups_every_step_of_a_sample_and_a_group_has_one_partition():
    profile = yaml.safe_load((REPO / "profiles/slurm/config.yaml").read_text())
    assert set(profile["groups"]) == SAMPLE_RULES | PATIENT_RULES
    assert set(profile["group-components"]) == set(profile["groups"].values())
    partitions = {group: set() for group in profile["group-components"]}
    for rule, group in profile["groups"].items():
        wants = profile["default-resources"] | profile["set-resources"].get(rule, {})
        partitions[group].add(wants["slurm_partition"])
    assert partitions == {"prepare": {"cpu"}, "annotate": {"gpu"}, "genome": {"cpu"}}


def test_a_group_on_slurm_asks_for_the_memory_of_its_largest_step_and_the_time_of_all(cohort):
    for size, name in enumerate(("A1", "A2", "B1"), start=1):
        with (cohort / f"{name}.h5ad").open("ab") as file:
            file.truncate(size * 100 * 1024**2)
    groups = planned_groups(cohort, yaml.safe_load((REPO / "profiles/slurm/config.yaml").read_text()))
    assert len(groups) == 3
    for group, wanted in groups:
        steps = [job.resources for job in group.jobs]
        assert len(steps) >= 3
        assert wanted["_cores"] == max(step["_cores"] for step in steps) == 1
        assert wanted["mem_mb"] == max(step["mem_mb"] for step in steps)
        assert wanted["runtime"] == sum(step["runtime"] for step in steps)
        assert wanted.get("gpu", 0) == (1 if "annotate" in group.rules else 0)


def test_a_repeated_job_asks_for_more_memory_and_time(cohort):
    for job in planned_jobs(cohort):
        if job.rule.name == "cohort":
            continue  # which runs nothing
        first = {name: job.resources[name] for name in ("mem_mb", "runtime")}
        for attempt in (2, 3):
            job.attempt = attempt
            job.reset_params_and_resources()
            again = {name: job.resources[name] for name in first}
            expected = {name: attempt * value for name, value in first.items()}
            assert again == pytest.approx(expected, abs=attempt), job  # whole MB of what was not whole


def test_every_job_depends_on_what_it_reads(cohort):
    dag = plan(cohort)
    found = {}
    for job in dag.jobs:
        found.setdefault(job.rule.name, set()).update(before.rule.name for before in dag.dependencies[job])
        assert not any(is_flagged(path, "ancient") for path in job.input), job
    assert found == {rule: set(read.split()) for rule, read in DEPENDENCIES.items()}


def test_how_a_sample_is_read_is_a_parameter_of_its_jobs(cohort):
    """So that another species, say, repeats them."""
    read_as = {"counts": "raw", "genes": "symbol", "species": "mouse"}
    header, *rows, last = SHEET.splitlines()
    described = ["\t".join([header, *read_as]), *rows, "\t".join([last, "", "", *read_as.values()])]
    (cohort / "samples.tsv").write_text("\n".join(described) + "\n")
    jobs = [job for job in planned_jobs(cohort) if {"B", "B1"} & set(job.wildcards)]
    assert {job.rule.name for job in jobs} == SAMPLE_RULES | PATIENT_RULES
    for job in jobs:
        if job.rule.name == "call_ood":
            continue  # which reads no file of the sample
        sample = job.params.samples[0] if job.rule.name in PATIENT_RULES else job.params.sample
        assert sample == {"sample_id": "B1", "patient_id": "B", **read_as}, job
        if job.rule.name == "quality_control":  # which says it to the others
            assert job.params.settings["sample"] == read_as


def test_alpha_is_a_threshold(cohort):
    """Another level repeats no training, calibration or annotation: they are not told of it."""
    told = []
    for alpha in (0.05, 0.01):
        write_config(cohort, ood={"alpha": alpha})
        told.append({(job.rule.name, *job.wildcards): str(job.params) for job in planned_jobs(cohort)})
    assert {name[0] for name in told[0] if told[0][name] != told[1][name]} == {"call_ood", "report"}


def test_the_coverage_of_label_sets_is_a_threshold(cohort):
    told = []
    for coverage in (0.9, 0.95):
        write_config(cohort, labels={"coverage": coverage})
        told.append({(job.rule.name, *job.wildcards): str(job.params) for job in planned_jobs(cohort)})
    assert {name[0] for name in told[0] if told[0][name] != told[1][name]} == {"call_ood", "report"}


def test_a_job_asks_for_memory_and_time_before_its_inputs_are_made(tmp_path, cohort, stand_in):
    clone = shutil.copytree(stand_in, tmp_path / "clone")
    genes = clone / "workflow" / "rules" / "genes.smk"
    genes.write_text(re.sub(r" +message:\n.*\n", "", genes.read_text()))  # a plan shows message or resources
    done = snakemake(cohort, "--dry-run", "--workflow-profile", "none", repo=clone)
    resources = re.search(r"rule align_genes:.*?resources: (.*?)\n", done.stdout, re.DOTALL).group(1)
    assert re.search(r"mem_mb=\d", resources), resources
    assert re.search(r"runtime=\d", resources), resources


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_a_short_config_is_enough_from_any_directory(tmp_path, cohort, snakefile):
    arguments = ("--dry-run", "--cores", "1", "--snakefile", str(REPO / snakefile), "--directory", str(cohort))
    done = snakemake(tmp_path, *arguments, configfile=str(cohort / "config.yaml"))
    assert done.returncode == 0, done.stdout


def test_the_plan_says_once_what_should_be_known_of_the_reference(cohort):
    write_cells(cohort / "reference.h5ad", n_cells=60, labels=("T", "T", "T", "T", "B", "Doublet"))
    done = snakemake(cohort, "--dry-run")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Reference: ") == 2
    assert "Reference: labels that name no type are left out, with their cells: Doublet (10)." in done.stdout
    assert "Reference: labels of fewer than 20 cells" in done.stdout


def test_a_label_that_is_excluded_has_to_be_there(cohort):
    (cohort / "config.yaml").write_text("samples: samples.tsv\nreference: {path: reference.h5ad, exclude: [Tcell]}\n")
    done = snakemake(cohort, "--dry-run")
    assert done.returncode
    assert "config: reference.exclude: 'Tcell' is no label. Known are: B, NK, T." in done.stdout


def test_a_bundle_trains_nothing_and_needs_no_reference(cohort, bundle):
    shutil.copytree(bundle.folder, cohort / "trained")
    (cohort / "reference.h5ad").unlink()
    (cohort / "config.yaml").write_text("samples: samples.tsv\nmodel: {bundle: trained}\n")
    done = snakemake(cohort, "--dry-run")
    assert done.returncode == 0, done.stdout
    assert not REFERENCE_RULES & set(planned(done.stdout))


def test_copy_number_can_be_left_out(cohort):
    write_config(cohort, cnv={"enabled": False})
    jobs = planned(snakemake(cohort, "--dry-run").stdout)
    assert not {"infer_cnv", "split_cnv"} & set(jobs)
    assert jobs["collect_cnv"] == jobs["collect_verdict"] == 1
    assert jobs["assign_verdict"] == 2


def test_another_licence_writes_the_card_alone(finished, stand_in):
    config = yaml.safe_load((finished / "config.yaml").read_text())
    write_config(finished, **config | {"model": {"licence": "CC-BY-4.0"}})
    assert pending(finished, stand_in) - {"results/report.html"} >= {"results/model/card.json", "results/model/card.md"}
    assert not {path for path in pending(finished, stand_in) if path.startswith("results/samples")}


def test_gene_sets_of_the_user_are_checked_and_used(cohort, stand_in):
    write_config(cohort, explain={"gene_sets": "own.gmt"})
    for content, message in ((None, "explain.gene_sets: own.gmt does not exist"), ("name\tnothing", "line 1: no gene")):
        if content:
            (cohort / "own.gmt").write_text(content)
        wrong = snakemake(cohort, "--dry-run", repo=stand_in)
        assert wrong.returncode != 0
        assert message in wrong.stdout
    (cohort / "own.gmt").write_text("name\tsource\tCD3E")
    assert snakemake(cohort, "--dry-run", repo=stand_in).returncode == 0


def test_copy_number_takes_the_users_tables(cohort, stand_in):
    write_config(cohort, cnv={"positions": "genes.tsv", "arms": "arms.tsv"})
    absent = snakemake(cohort, "--dry-run", repo=stand_in)
    assert absent.returncode != 0
    assert "cnv.positions: genes.tsv does not exist" in absent.stdout
    (cohort / "genes.tsv").write_text("symbol\tchromosome\tstart\tend\nCD3E\tchr1\t100\t200\n")
    (cohort / "arms.tsv").write_text("chromosome\tarm\tstart\tend\nchr1\tp\t0\t1000\n")
    done = snakemake(cohort, "--cores", "2", repo=stand_in)
    assert done.returncode == 0, done.stdout
    (cohort / "arms.tsv").write_text("chromosome\tarm\tstart\tend\nchr1\tp\t0\t2000\n")
    assert "results/patients/A/cnv.h5ad" in pending(cohort, stand_in)


def test_the_mouse_genome_has_its_tables(cohort):
    write_config(cohort, cnv={"genome": "GRCm39"})
    done = snakemake(cohort, "--dry-run")
    assert done.returncode == 0, done.stdout


def test_a_10x_folder_is_watched_file_by_file_and_a_zarr_store_is_an_input(cohort, stand_in):
    (cohort / "A1").mkdir()
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz"):
        (cohort / "A1" / name).touch()
    (cohort / "B1.zarr").mkdir()
    (cohort / "samples.tsv").write_text("sample_id\tpatient_id\tpath\nA1\tA\tA1\nB1\tB\tB1.zarr\n")
    first = snakemake(cohort, "--cores", "2", repo=stand_in)
    assert first.returncode == 0, first.stdout
    (cohort / "A1" / "matrix.mtx.gz").write_text("other counts")
    repeated = pending(cohort, stand_in)
    assert "results/samples/A1/qc.parquet" in repeated
    assert not any("/samples/B1/" in path for path in repeated)


def test_a_second_run_does_nothing(finished, stand_in):
    assert "Nothing to be done" in snakemake(finished, "--cores", "2", repo=stand_in).stdout


def test_the_cohort_grows_without_touching_the_others(finished, stand_in):
    write_cells(finished / "C1.h5ad", seed=9)
    (finished / "samples.tsv").write_text(SHEET + "C1\tC\tC1.h5ad\n")
    grown = pending(finished, stand_in)
    assert {path.split("/")[1] for path in grown} == {"samples", "patients", "cohort", "figures", "report.html"}
    assert {path.split("/")[2] for path in grown if "/samples/" in path} == {"C1"}
    assert {path.split("/")[2] for path in grown if "/patients/" in path} == {"C"}


def test_another_sample_of_a_patient_repeats_that_patients_copy_number(finished, stand_in):
    write_cells(finished / "B2.h5ad", seed=9)
    (finished / "samples.tsv").write_text(SHEET + "B2\tB\tB2.h5ad\n")
    grown = pending(finished, stand_in)
    assert {path for path in grown if "/B1/" in path} == {
        f"results/samples/B1/{name}"
        for name in ("cnv.h5ad", "cnv_cells.parquet", "cnv_arms.parquet", "verdict.parquet")
    }
    assert not any("/A" in path for path in grown)


def test_known_arms_repeat_the_verdict_of_their_patient_alone(finished, stand_in):
    header, *rows, last = SHEET.splitlines()
    lines = [f"{header}\tknown_arms", *rows, f"{last}\t\t\t1p-"]
    (finished / "samples.tsv").write_text("\n".join(lines) + "\n")
    repeated = pending(finished, stand_in)
    assert "results/patients/B/verdict.parquet" in repeated
    assert not any("/A" in path for path in repeated)
    assert not any("cnv" in path and "/patients/" in path for path in repeated)


def test_a_new_reference_repeats_what_depends_on_it(finished, stand_in):
    write_cells(finished / "reference.h5ad", n_cells=30, seed=5)
    repeated = pending(finished, stand_in)
    assert "results/model/weights.safetensors" in repeated
    assert "results/samples/A1/annotation.parquet" in repeated
    assert "results/reference/qc.parquet" in repeated
    assert not any("/samples/" in path and path.endswith(("qc.parquet", "input.json")) for path in repeated)


def test_a_samples_own_threshold_repeats_that_sample(finished, stand_in):
    (finished / "samples.tsv").write_text(SHEET.replace("cell_type\t3", "cell_type\t4"))
    repeated = pending(finished, stand_in)
    assert "results/samples/A1/qc.parquet" in repeated
    assert not any("/samples/A2/qc" in path or "/samples/B1/" in path for path in repeated)


def test_what_describes_a_sample_repeats_only_what_shows_it(finished, stand_in):
    lines = (finished / "samples.tsv").read_text().splitlines()
    described = [lines[0] + "\ttissue\tbatch\tcondition", lines[1] + "\tovary\t\t", lines[2] + "\tcell_type", lines[3]]
    (finished / "samples.tsv").write_text("\n".join(described) + "\n")
    shown = {"samples", "evaluation", "confusion", "annotated", "sections", "origin_genes", "origin_gene_sets"}
    shown |= {
        f"{name}.tsv" for name in ("qc", "qc_reasons", "coverage", "umap", "training", "held_out")
    }  # by the report
    cohort_files = [path for path in (finished / "results/cohort").iterdir() if {path.stem, path.name} & shown]
    assert pending(finished, stand_in) == {
        "results/report.html",
        *(f"results/cohort/{path.name}" for path in cohort_files),
        *(f"results/figures/{path.name}" for path in (finished / "results/figures").iterdir()),
    }


def test_a_folder_counts_with_its_content_and_quality_control_is_bounded(cohort, stand_in):
    (cohort / "A1.zarr" / "X").mkdir(parents=True)
    (cohort / "A2").mkdir()
    sizes = {
        "A1.zarr/X/0": 500,
        "A2/matrix.mtx.gz": 500,
        "A2/barcodes.tsv.gz": 0,
        "A2/features.tsv.gz": 0,
        "B1.h5": 4000,
    }
    for name, megabytes in sizes.items():
        with (cohort / name).open("wb") as file:
            file.truncate(megabytes * 1024**2)
    (cohort / "samples.tsv").write_text("sample_id\tpatient_id\tpath\nA1\tA\tA1.zarr\nA2\tA\tA2\nB1\tB\tB1.h5\n")
    done = snakemake(cohort, "--cores", "2", "--until", "quality_control", repo=stand_in)
    assert done.returncode == 0, done.stdout
    written = {path.parent.name: path.read_text() for path in cohort.glob("results/samples/*/qc.parquet")}
    memory = {sample: int(text.split("mem_mb=")[1]) for sample, text in written.items()}
    assert memory == {"A1": 7000, "A2": 7000, "B1": 12_000}


def test_results_logs_and_benchmarks_lie_in_one_place(cohort, stand_in):
    write_config(cohort, pathvars={"results": "out/here"})
    before = set(cohort.iterdir())
    done = snakemake(cohort, "--cores", "2", repo=stand_in)
    assert done.returncode == 0, done.stdout
    assert set(cohort.iterdir()) - before == {cohort / "out", cohort / ".snakemake"}
    results = cohort / "out" / "here"
    names = ["reference", "model", "samples", "patients", "cohort", "figures", "report.html", "logs", "benchmarks"]
    assert {path.name for path in results.iterdir()} == set(names)
    for table in TABLES:
        assert (results / "cohort" / f"{table}.parquet").is_file()
        assert (results / "cohort" / f"{table}.tsv").is_file() is (table != "annotation")


def test_every_rule_keeps_law_7():
    for file in (REPO / "workflow/rules").glob("*.smk"):
        for block in re.split(r"^rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            for item in ["input", "output", "log", "benchmark", "conda", "threads", "resources", "message", "script"]:
                assert re.search(rf"^    {item}:", block, re.MULTILINE), f"{block.split(':')[0]} has no {item}"
            assert "mem_mb=" in block
            assert "runtime=" in block


def test_every_figure_has_a_caption():
    captions = {path.stem for path in (REPO / "workflow/report").glob("*.rst")}
    rules = "".join(path.read_text() for path in (REPO / "workflow/rules").glob("*.smk"))
    figures = set(re.findall(r'figure\("(\w+)"', rules)) | {"cnv_heatmap", "workflow"}
    assert captions == figures | ONLY_IN_THE_COHORT_REPORT
    assert all(len((REPO / f"workflow/report/{name}.rst").read_text()) > 150 for name in captions)
