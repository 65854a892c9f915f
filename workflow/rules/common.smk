# Library, scripts and the functions that the rules share.

import os
import sys

import yaml
from snakemake.exceptions import WorkflowError

LIBRARY = str(workflow.current_basedir.join("../../scripts"))

# A local clone brings the library along; a project that imports the workflow from git has installed it.
if os.path.isdir(LIBRARY) and LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)

from cellcohort import settings, sheet
from cellcohort.errors import InputError
from cellcohort.resources import resource_path

# Paths are joined here because a literal path in `script:` fails in a module that is fetched from git.
SCRIPT = {
    name: str(workflow.current_basedir.join(f"../../scripts/{name}.py"))
    for name in (
        "vocabulary",
        "qc",
        "align",
        "tokenise",
        "train",
        "calibrate",
        "annotate",
        "extract_ood",
        "cnv",
        "split_cnv",
        "collect_annotation",
        "collect_status",
        "collect_explanations",
        "collect_origins",
        "collect_cnv",
        "evaluate",
        "project_umap",
        "report",
    )
}


wildcard_constraints:
    sample=r"[A-Za-z0-9_-][A-Za-z0-9._-]*",
    patient=r"[A-Za-z0-9_-][A-Za-z0-9._-]*",


def read_schema(name):
    """A JSON schema of this workflow as a dictionary."""
    path = workflow.source_path(f"../schemas/{name}.schema.yaml")
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def by_size(base, factor):
    """A resource that grows with the size of the inputs (MB) and with each attempt."""

    def amount(wildcards, input, attempt):
        return int(attempt * (base + factor * input.size_mb))

    return amount


def counts_of_sample(wildcards):
    """The sample's file or folder."""
    return COUNTS[wildcards.sample]


def parts_of_sample(wildcards):
    """The files inside a 10x folder: the folder's own time does not change with their content."""
    return sheet.matrix_files(COUNTS[wildcards.sample])


def counts_of_patient(wildcards):
    """The files or folders of all samples of the patient."""
    return [COUNTS[sample] for sample in PATIENTS[wildcards.patient]]


def of_patient(table):
    """A function that gives the path of `table` for each sample of the patient."""

    def paths(wildcards):
        return expand(f"<results>/samples/{{sample}}/{table}", sample=PATIENTS[wildcards.patient])

    return paths


def of_its_patient(table):
    """A function that gives the path of `table` for the sample's patient."""
    return lambda wildcards: f"<results>/patients/{SAMPLES[wildcards.sample]['patient_id']}/{table}"


def of_cohort(table):
    """The path of `table` for each sample, in the order of the sheet."""
    return expand(f"<results>/samples/{{sample}}/{table}", sample=SAMPLES)


def copy_number_of_report(wildcards):
    """What the report shows of copy number: nothing when it is switched off."""
    if not CNV_ENABLED:
        return {}
    return {
        "cnv_arms": "<results>/cohort/cnv_arms.parquet",
        "cnv_burden": "<results>/cohort/cnv_burden.parquet",
        "heatmaps": expand("<results>/patients/{patient}/cnv_heatmap.png", patient=PATIENTS),
    }


def figure(name, category):
    """A figure of the cohort, with its caption for Snakemake's own report."""
    return report(
        f"<results>/figures/{name}.svg",
        caption=f"../report/{name}.rst",
        category=category,
        labels={"figure": name},
    )
