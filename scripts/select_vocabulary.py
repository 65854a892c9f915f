"""Choose the genes that the model knows."""

from cellcohort.core.files import checksum
from cellcohort.core.job import start_job
from cellcohort.core.provenance import add_facts
from cellcohort.genes.vocabulary import select_vocabulary
from cellcohort.inputs.resources import gene_aliases, gene_positions, genome_of
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import VOCABULARY
from cellcohort.reference.cells import labelled_cells, open_reference

settings = start_job(snakemake)
add_facts(reference_sha256=checksum(snakemake.input.reference))
reference, config = settings["reference"], settings["vocabulary"]
counts = open_reference(reference, snakemake.input.reference)
rows, _, donors = labelled_cells(counts, label=reference["label"], donor=reference.get("donor"))
vocabulary = select_vocabulary(
    counts,
    rows,
    donors,
    n_genes=config["n_genes"],
    extra_genes=config["extra_genes"],
    positions=gene_positions(genome_of(counts.genes)),
    aliases=gene_aliases(),
)
write_table(snakemake.output.vocabulary, vocabulary, VOCABULARY)
