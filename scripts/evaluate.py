"""Compare labels and OOD calls with the truth columns that the sample sheet names."""

from cellcohort.cohort.evaluation import confusion, evaluate, load_cells
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import read_frame, write_both, write_table
from cellcohort.outputs.schemas import CONFUSION, EVALUATION

start_job(snakemake)
cells = load_cells(
    snakemake.params.samples,
    annotation=snakemake.input.annotation,
    counts=snakemake.input.counts,
    labels=read_frame(snakemake.input.labels)["label"].tolist(),
)
evaluation = evaluate(cells)
write_both(snakemake.output.evaluation, snakemake.output.evaluation_tsv, [evaluation], EVALUATION)
write_table(snakemake.output.confusion, confusion(cells), CONFUSION)
