"""Count the verdicts of every sample and patient, and append the marker genes of all patients."""

from cellcohort.cohort.verdict_counts import count_verdicts
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import read_frame, write_both
from cellcohort.outputs.schemas import COHORT_VERDICT, MARKERS

start_job(snakemake)
counts = count_verdicts(snakemake.input.verdict, snakemake.params.samples)
write_both(snakemake.output.verdict, snakemake.output.verdict_tsv, [counts], COHORT_VERDICT)
write_both(snakemake.output.markers, snakemake.output.markers_tsv, map(read_frame, snakemake.input.markers), MARKERS)
