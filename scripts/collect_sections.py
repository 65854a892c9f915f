"""Write the cells of spatial samples that the report draws."""

from pathlib import Path

from cellcohort.bundle import Bundle
from cellcohort.cohort_tables import SECTIONS
from cellcohort.jobs import begin
from cellcohort.sections import sections
from cellcohort.tables import write_both

begin(snakemake)
cells = sections(snakemake.input.annotated, Bundle.open(Path(snakemake.input.bundle[0]).parent))
write_both(snakemake.output.sections, snakemake.output.sections_tsv, [cells], SECTIONS)
