"""Write the cells of spatial samples that the report draws."""

from cellcohort.bundle.model_bundle import Bundle
from cellcohort.cohort.tissue_sections import sections
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_both
from cellcohort.outputs.schemas import SECTIONS

start_job(snakemake)
cells = sections(snakemake.input.annotated, Bundle.of_files(snakemake.input.bundle))
write_both(snakemake.output.sections, snakemake.output.sections_tsv, [cells], SECTIONS)
