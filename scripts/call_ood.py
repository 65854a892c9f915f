"""Call the OOD cells of one sample."""

import pyarrow.parquet as pq

from cellcohort.annotation.ood_calls import call_cells, call_shift
from cellcohort.core.files import read_json
from cellcohort.core.job import start_job
from cellcohort.core.provenance import NAME, write_record
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import ANNOTATION

alpha = start_job(snakemake)["alpha"]
scores, anchors = pq.read_table(snakemake.input.scores), read_json(snakemake.input.anchors)
anchors.pop(NAME)  # this job has its own
write_table(snakemake.output.annotation, call_cells(scores, alpha=alpha), ANNOTATION)
write_record(snakemake.output.shift, call_shift(scores, anchors, alpha=alpha))
