"""Choose the genes that the model knows."""

from cellcohort.core.files import checksum
from cellcohort.core.job import start_job
from cellcohort.core.provenance import add_facts
from cellcohort.genes.reference_vocabulary import reference_vocabulary
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import VOCABULARY

settings = start_job(snakemake)
add_facts(reference_sha256=checksum(snakemake.input.reference))
vocabulary = reference_vocabulary(
    settings["reference"],
    snakemake.input.reference,
    snakemake.input.qc,
    settings["vocabulary"],
    list(zip(settings["panels"], snakemake.input.panels, strict=True)),
)
write_table(snakemake.output.vocabulary, vocabulary, VOCABULARY)
