"""Judge the cells of one sample."""

from cellcohort.files import write_json
from cellcohort.logs import log_to
from cellcohort.status import check_sample
from cellcohort.tables import QC, write_table

log_to(snakemake.log[0])
table, record = check_sample(snakemake.params.sample, snakemake.input.counts, snakemake.params.qc)
write_table(snakemake.output.qc, table, QC)
write_json(snakemake.output.input, record)
