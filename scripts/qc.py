"""Judge the cells of one sample."""

from contextlib import suppress

from cellcohort.files import checksum
from cellcohort.jobs import begin
from cellcohort.provenance import state, write_record
from cellcohort.status import check_sample
from cellcohort.tables import QC, write_table

begin(snakemake)
with suppress(OSError):  # a file that cannot be read is rejected below
    state(input_sha256=checksum(snakemake.input.counts))
table, record = check_sample(snakemake.params.sample, snakemake.input.counts, snakemake.params.qc)
write_table(snakemake.output.qc, table, QC)
write_record(snakemake.output.input, record)
