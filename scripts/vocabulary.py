"""Choose the genes that the model knows."""

from cellcohort.files import checksum
from cellcohort.jobs import begin
from cellcohort.provenance import state
from cellcohort.reference import labelled_cells, open_reference
from cellcohort.resources import gene_aliases, gene_positions, genome_of
from cellcohort.tables import VOCABULARY, write_table
from cellcohort.vocabulary import select_vocabulary

begin(snakemake)
state(reference_sha256=checksum(snakemake.input.reference))
reference, config = snakemake.params.reference, snakemake.params.vocabulary
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
