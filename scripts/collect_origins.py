"""Count each patient's OOD cells by origin."""

from cellcohort.cohort import collect_origins
from cellcohort.cohort_tables import ORIGINS
from cellcohort.jobs import begin
from cellcohort.tables import write_table, write_tsv

begin(snakemake)
origins = collect_origins(snakemake.input.annotation, snakemake.params.samples)
write_table(snakemake.output.origins, origins, ORIGINS)
write_tsv(snakemake.output.origins_tsv, origins)
