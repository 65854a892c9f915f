"""Append the samples' annotations and count labels and OOD cells."""

from cellcohort.cohort import collect_annotation
from cellcohort.cohort_tables import COMPOSITION, OOD
from cellcohort.jobs import begin
from cellcohort.tables import write_table, write_tsv

begin(snakemake)
output = snakemake.output
composition, ood = collect_annotation(
    snakemake.input.annotation, snakemake.params.samples, output.annotation, shifts=snakemake.input.shifts
)
write_table(output.composition, composition, COMPOSITION)
write_tsv(output.composition_tsv, composition)
write_table(output.ood, ood, OOD)
write_tsv(output.ood_tsv, ood)
