"""Match the genes of one sample to the vocabulary and write its status."""

from cellcohort.files import read_json
from cellcohort.jobs import begin
from cellcohort.provenance import write_record
from cellcohort.status import align_sample
from cellcohort.tables import GENES, read_frame, write_table

begin(snakemake)
alignment, status = align_sample(
    snakemake.params.sample,
    snakemake.input.counts,
    read_frame(snakemake.input.vocabulary),
    read_json(snakemake.input.input),
    min_share=snakemake.params.min_share,
    on_invalid=snakemake.params.on_invalid,
)
write_table(snakemake.output.genes, alignment.table, GENES)
write_record(snakemake.output.status, status)
