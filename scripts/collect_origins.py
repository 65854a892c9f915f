"""Count each patient's OOD cells by origin."""

from cellcohort.cohort import collect_origins
from cellcohort.cohort_tables import ORIGINS
from cellcohort.jobs import begin
from cellcohort.tables import write_both

begin(snakemake)
origins = collect_origins(snakemake.input.annotation, snakemake.params.samples)
write_both(snakemake.output.origins, snakemake.output.origins_tsv, [origins], ORIGINS)
