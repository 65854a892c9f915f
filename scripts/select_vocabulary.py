"""Choose the genes that the model knows."""

from cellcohort.core.files import checksum
from cellcohort.core.job import start_job
from cellcohort.core.provenance import add_facts
from cellcohort.genes.panel_genes import panel_genes
from cellcohort.genes.vocabulary import select_vocabulary
from cellcohort.inputs.resources import gene_aliases, gene_positions, genome_of
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import VOCABULARY
from cellcohort.reference.checked_cells import checked_cells

settings = start_job(snakemake)
add_facts(reference_sha256=checksum(snakemake.input.reference))
reference, config = settings["reference"], settings["vocabulary"]
counts, rows, _, donors = checked_cells(reference, snakemake.input.reference, snakemake.input.qc)
panels = zip(settings["panels"], snakemake.input.panels, strict=True)
of_panels = [gene for sample, path in panels for gene in panel_genes(sample, path, counts.genes)]
vocabulary = select_vocabulary(
    counts,
    rows,
    donors,
    n_genes=config["n_genes"],
    extra_genes=list(dict.fromkeys([*config["extra_genes"], *of_panels])),
    positions=gene_positions(genome_of(counts.genes)),
    aliases=gene_aliases(),
)
write_table(snakemake.output.vocabulary, vocabulary, VOCABULARY)
