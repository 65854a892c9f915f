"""Write the cells of spatial samples that the report draws."""

from cellcohort.cohort_tables import SECTIONS
from cellcohort.jobs import begin
from cellcohort.provenance import read_h5ad, state
from cellcohort.sections import sections
from cellcohort.tables import write_both

begin(snakemake)
state(**read_h5ad(snakemake.input.annotated))
cells = sections(snakemake.input.annotated)
write_both(snakemake.output.sections, snakemake.output.sections_tsv, [cells], SECTIONS)
