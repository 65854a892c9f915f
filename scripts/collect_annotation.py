"""Append the samples' annotations and count labels and OOD cells."""

from cellcohort.cohort import collect_annotation
from cellcohort.cohort_tables import COMPOSITION, OOD
from cellcohort.jobs import begin
from cellcohort.tables import write_both

begin(snakemake)
output = snakemake.output
composition, ood = collect_annotation(
    snakemake.input.annotation, snakemake.params.samples, output.annotation, shifts=snakemake.input.shifts
)
write_both(output.composition, output.composition_tsv, [composition], COMPOSITION)
write_both(output.ood, output.ood_tsv, [ood], OOD)
