# Library, scripts and the functions that the rules share.

import os
import sys
from functools import cache
from importlib.util import find_spec

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

LIBRARY = str(workflow.current_basedir.join("../../scripts"))
# Of the script of a rule. In a workflow that is fetched from git, a name cannot be added to the path of a folder, and a
# literal path in `script:` fails.
SCRIPT = str(workflow.current_basedir.join("../../scripts/RULE.py"))

# A local clone brings the library along; a project that imports the workflow from git has installed it.
if os.path.isdir(LIBRARY) and LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)

if find_spec("cellcohort") is None:
    raise WorkflowError(
        "cellmemory-cohort: a workflow that is fetched from git has its scripts, but not the library that they import. "
        "Install it beside Snakemake, of the same commit: pip install git+<address of the repository>@<commit>."
    )

from cellcohort.core.errors import InputError
from cellcohort.inputs.bundle_files import BUNDLE_FILES
from cellcohort.inputs.bundle_files import FORMAT as BUNDLE_FORMAT
from cellcohort.inputs.check_inputs import check_data
from cellcohort.inputs.config import check_config, without_places
from cellcohort.inputs.resources import resource_path
from cellcohort.inputs.sample_columns import COMPUTING, DESCRIPTION, READING
from cellcohort.inputs.sample_sheet import matrix_files, read_sheet, samples_by_patient
from cellcohort.outputs.table_names import CNV_TABLES
from cellcohort.qc.fixed_limits import HARD_LIMITS


wildcard_constraints:
    sample=r"[A-Za-z0-9_-][A-Za-z0-9._-]*",
    patient=r"[A-Za-z0-9_-][A-Za-z0-9._-]*",


def read_schema(name):
    """A JSON schema of this workflow as a dictionary."""
    path = workflow.source_path(f"../schemas/{name}.schema.yaml")
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def by_size(cells_mb, base, factor, most=float("inf")):
    """A resource that grows with the user's files (`cells_mb(wildcards)`), up to `most`, and with each attempt.

    Memory is twice what was measured for small files plus three times its growth (tests/benchmarks/README.md, Cohorts):
    a compressed file holds up to three times as many counts as those that were measured. Where a GPU may be used, 2 to
    3 GB for the libraries of CUDA come on top.
    Their sizes are known before any job and looked up once, whereas to ask for the sizes of a job's own inputs would
    double the time to plan a cohort of thousands.
    """

    def amount(wildcards, attempt):
        return int(attempt * min(most, base + factor * cells_mb(wildcards)))

    return amount


def at_most(most, amount):
    """A resource up to `most`, however often it was tried; as it is where `most` is None."""
    return lambda wildcards, attempt: min(amount(wildcards, attempt), most or float("inf"))


def by_samples(base, factor):
    """A resource of a job that reads tables of every sample: it grows with their number and with each attempt.

    Memory is about twice what was measured for 200 samples, which hardly differed from that for 50.
    """
    return lambda wildcards, attempt: int(attempt * (base + factor * len(SAMPLES)))


@cache
def file_mb(path):
    """Size of a file, or of all files below a folder, in MB; 0 where nothing is."""
    files = (os.path.join(place, name) for place, _, names in os.walk(path) for name in names)
    return sum(os.path.getsize(file) for file in [path, *files] if os.path.isfile(file)) / 1024**2


def sample_mb(wildcards):
    """Size of the sample's cells."""
    return file_mb(COUNTS[wildcards.sample])


def patient_mb(wildcards):
    """Size of the cells of all samples of the patient."""
    return sum(file_mb(COUNTS[sample]) for sample in PATIENTS[wildcards.patient])


def cohort_mb(wildcards):
    """Size of the cells of all samples."""
    return sum(map(file_mb, COUNTS.values()))


def largest_mb(wildcards):
    """Size of the cells of the largest sample."""
    return max(map(file_mb, COUNTS.values()))


def reference_mb(wildcards):
    """Size of the reference's cells."""
    return file_mb(REFERENCE) if REFERENCE else 0


def counts_of_sample(wildcards):
    """The sample's file or folder."""
    return COUNTS[wildcards.sample]


def parts_of_sample(wildcards):
    """The files inside a 10x folder: the folder's own time does not change with their content."""
    return PARTS[wildcards.sample]


def counts_of_patient(wildcards):
    """The files or folders of all samples of the patient."""
    return [COUNTS[sample] for sample in PATIENTS[wildcards.patient]]


def of_patient(table):
    """A function that gives the path of `table` for each sample of the patient."""

    def paths(wildcards):
        return expand(f"<results>/samples/{{sample}}/{table}", sample=PATIENTS[wildcards.patient])

    return paths


def of_patients(table):
    """A function that gives the path of `table` for each patient; none when copy number is switched off."""
    return lambda wildcards: expand(f"<results>/patients/{{patient}}/{table}", patient=PATIENTS if CNV_ENABLED else [])


def of_its_patient(table):
    """A function that gives the path of `table` for the sample's patient."""
    return lambda wildcards: f"<results>/patients/{SAMPLES[wildcards.sample]['patient_id']}/{table}"


def known_arms_of_patient(wildcards):
    """What the sheet says of the arms of the patient's tumour, in the lines of any of its samples."""
    return sorted({KNOWN_ARMS[sample] for sample in PATIENTS[wildcards.patient] if sample in KNOWN_ARMS})


def of_cohort(table):
    """A function that gives the path of `table` for each sample, in the order of the sheet."""
    return lambda wildcards: expand(f"<results>/samples/{{sample}}/{table}", sample=SAMPLES)


def copy_number_of_report(wildcards):
    """What the report shows of copy number: nothing when it is switched off."""
    if not CNV_ENABLED:
        return {}
    return {
        **{table: f"<results>/cohort/{table}.parquet" for table in CNV_TABLES},
        "heatmaps": of_patients("cnv_heatmap.png")(wildcards),
    }


def figure(name, category):
    """A figure of the cohort, with its caption for Snakemake's own report (the library reads the same file)."""
    return report(
        f"<results>/figures/{name}.svg",
        caption=f"../report/{name}.rst",
        category=category,
        labels={"figure": name},
    )
