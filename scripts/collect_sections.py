"""Write the cells of spatial samples that the report draws."""

from pathlib import Path

from cellcohort.bundle.model_bundle import Bundle
from cellcohort.cohort.tissue_sections import sections
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_both
from cellcohort.outputs.schemas import SECTIONS

start_job(snakemake)
fitted = Path(snakemake.output.sections).parents[1] / "fitted_genes"
cells = sections(snakemake.input.annotated, Bundle.of_files(snakemake.input.bundle), fitted)
write_both(snakemake.output.sections, snakemake.output.sections_tsv, [cells], SECTIONS)
