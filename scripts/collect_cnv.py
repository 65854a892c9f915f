"""Append what is known of the copy number of all samples and patients."""

from cellcohort.cohort.cnv_tables import cnv_burden, cnv_groups, collect_cnv_arms
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import read_frame, write_both
from cellcohort.outputs.schemas import (
    CNV_BURDEN,
    CNV_GROUPS,
    CNV_LIMITS,
    CNV_ORIGINS,
    CNV_PATIENTS,
    CNV_REFERENCE,
    COHORT_CNV_ARMS,
)

start_job(snakemake)
samples, files, output = snakemake.params.samples, snakemake.input, snakemake.output
tables = {
    "cnv_arms": (collect_cnv_arms(files.arms, samples), COHORT_CNV_ARMS),
    "cnv_groups": (cnv_groups(files.cells, samples), CNV_GROUPS),
    "cnv_burden": ([cnv_burden(files.cells, samples)], CNV_BURDEN),
    "cnv_patients": (map(read_frame, files.patients), CNV_PATIENTS),
    "cnv_origins": (map(read_frame, files.origins), CNV_ORIGINS),
    "cnv_reference": (map(read_frame, files.reference), CNV_REFERENCE),
    "cnv_limits": (map(read_frame, files.limits), CNV_LIMITS),
}
for name, (frames, schema) in tables.items():
    write_both(output[name], output[f"{name}_tsv"], frames, schema)
