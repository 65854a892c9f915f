"""Append the samples' annotations; count labels, OOD cells and their origins."""

from cellcohort.cohort.composition import collect_annotation, collect_origins
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_both
from cellcohort.outputs.schemas import COMPOSITION, OOD, ORIGINS

start_job(snakemake)
output, samples = snakemake.output, snakemake.params.samples
composition, ood = collect_annotation(
    snakemake.input.annotation, samples, output.annotation, shifts=snakemake.input.shifts
)
origins = collect_origins(snakemake.input.annotation, samples)
for table, schema, path, tsv in (
    (composition, COMPOSITION, output.composition, output.composition_tsv),
    (ood, OOD, output.ood, output.ood_tsv),
    (origins, ORIGINS, output.origins, output.origins_tsv),
):
    write_both(path, tsv, [table], schema)
