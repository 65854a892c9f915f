"""Append what is known of the copy number of all samples and patients."""

from cellcohort.cohort import cnv_burden, collect_cnv_arms, collect_patients
from cellcohort.cohort_tables import CNV_BURDEN, CNV_MARKERS, CNV_ORIGINS, CNV_PATIENTS, COHORT_CNV_ARMS
from cellcohort.jobs import begin
from cellcohort.tables import write_table, write_tsv

begin(snakemake)
samples, files, output = snakemake.params.samples, snakemake.input, snakemake.output
tables = {
    "cnv_arms": (collect_cnv_arms(files.arms, samples), COHORT_CNV_ARMS),
    "cnv_burden": (cnv_burden(files.cells, samples), CNV_BURDEN),
    "cnv_patients": (collect_patients(files.patients, CNV_PATIENTS), CNV_PATIENTS),
    "cnv_origins": (collect_patients(files.origins, CNV_ORIGINS), CNV_ORIGINS),
    "cnv_markers": (collect_patients(files.markers, CNV_MARKERS), CNV_MARKERS),
}
for name, (table, schema) in tables.items():
    write_table(output[name], table, schema)
    write_tsv(output[f"{name}_tsv"], table)
