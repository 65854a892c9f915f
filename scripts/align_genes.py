"""Match the genes of one sample to the vocabulary and write its status."""

from cellcohort.core.files import read_json
from cellcohort.core.job import start_job
from cellcohort.core.provenance import write_record
from cellcohort.genes.align_sample import align_sample
from cellcohort.outputs.parquet import read_frame, write_table
from cellcohort.outputs.schemas import GENES

settings = start_job(snakemake)
alignment, status = align_sample(
    snakemake.params.sample,
    snakemake.input.counts,
    read_frame(snakemake.input.vocabulary),
    read_json(snakemake.input.input),
    min_share=settings["min_share"],
    on_invalid=snakemake.params.on_invalid,
)
write_table(snakemake.output.genes, alignment.table, GENES)
write_record(snakemake.output.status, status)
