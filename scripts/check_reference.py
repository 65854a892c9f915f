"""Judge the cells of the reference: from those that do not pass nothing is learned."""

from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import QC
from cellcohort.qc.check_reference import judge_reference

settings = start_job(snakemake)
table = judge_reference(settings["reference"], snakemake.input.reference, settings["qc"])
write_table(snakemake.output.qc, table, QC)
