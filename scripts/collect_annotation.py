"""Append the samples' annotations and count labels and OOD cells."""

from cellcohort.cohort import collect_annotation
from cellcohort.cohort_tables import COMPOSITION, OOD
from cellcohort.logs import log_to
from cellcohort.tables import write_table, write_tsv

log_to(snakemake.log[0])
output = snakemake.output
composition, ood = collect_annotation(
    snakemake.input.annotation, snakemake.params.samples, output.annotation, shifts=snakemake.input.shifts
)
write_table(output.composition, composition, COMPOSITION)
write_tsv(output.composition_tsv, composition)
write_table(output.ood, ood, OOD)
write_tsv(output.ood_tsv, ood)
