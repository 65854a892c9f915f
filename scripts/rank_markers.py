"""Rank the genes of a patient's malignant cells against its normal cells."""

from cellcohort.cnv.patient_samples import open_samples
from cellcohort.core.job import start_job
from cellcohort.genes.genome_tables import read_positions
from cellcohort.outputs.parquet import read_frame, write_table
from cellcohort.outputs.schemas import MARKERS
from cellcohort.verdict.markers import rank_markers

start_job(snakemake)
files = snakemake.input
samples = open_samples(snakemake.params.samples, files.counts, status=files.status, annotation=files.annotation)
markers = rank_markers(read_frame(files.verdict), samples, read_positions(files.positions))
write_table(snakemake.output.markers, markers, MARKERS)
