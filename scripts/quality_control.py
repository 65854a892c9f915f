"""Judge the cells of one sample."""

from contextlib import suppress

from cellcohort.core.files import checksum
from cellcohort.core.job import start_job
from cellcohort.core.provenance import add_facts, write_record
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import QC
from cellcohort.qc.check_sample import check_sample

settings = start_job(snakemake)
with suppress(OSError):  # a file that cannot be read is rejected below
    add_facts(input_sha256=checksum(snakemake.input.counts))
table, record = check_sample(snakemake.params.sample, snakemake.input.counts, settings["qc"])
write_table(snakemake.output.qc, table, QC)
write_record(snakemake.output.input, record)
