"""Write the cells of spatial samples that the report draws."""

from cellcohort.cohort_tables import SECTIONS
from cellcohort.jobs import begin
from cellcohort.sections import sections
from cellcohort.tables import write_table, write_tsv

begin(snakemake)
cells = sections(snakemake.input.annotated)
write_table(snakemake.output.sections, cells, SECTIONS)
write_tsv(snakemake.output.sections_tsv, cells)
