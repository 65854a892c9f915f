"""Judge the cells of the reference: from those that do not pass nothing is learned. Tell what else is to be known."""

import pandas as pd

from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import FINDINGS, QC
from cellcohort.qc.check_reference import check_reference
from cellcohort.reference.cells import label_columns, labelled_cells, open_reference, opened_findings

settings = start_job(snakemake)
reference = settings["reference"]
counts = open_reference(reference, snakemake.input.reference)
cells = labelled_cells(counts, **label_columns(reference))
write_table(snakemake.output.qc, check_reference(counts, *cells, settings["qc"]), QC)
findings = pd.DataFrame(opened_findings(counts, reference), columns=FINDINGS.names)
write_table(snakemake.output.findings, findings, FINDINGS)
