"""Judge the cells of the reference: from those that do not pass nothing is learned."""

from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import QC
from cellcohort.qc.check_reference import check_reference
from cellcohort.reference.cells import labelled_cells, open_reference

settings = start_job(snakemake)
reference = settings["reference"]
counts = open_reference(reference, snakemake.input.reference)
cells = labelled_cells(counts, label=reference["label"], donor=reference.get("donor"))
write_table(snakemake.output.qc, check_reference(counts, *cells, settings["qc"]), QC)
