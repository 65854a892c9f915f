"""Judge the cells of the reference: from those that do not pass nothing is learned."""

import pandas as pd

from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import FINDINGS, QC
from cellcohort.qc.check_reference import judge_reference

settings = start_job(snakemake)
table, findings = judge_reference(settings["reference"], snakemake.input.reference, settings["qc"])
write_table(snakemake.output.qc, table, QC)
write_table(snakemake.output.findings, pd.DataFrame(findings, columns=FINDINGS.names), FINDINGS)
