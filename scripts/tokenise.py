"""Turn the reference into tokens, once."""

from cellcohort.genes import align_genes
from cellcohort.jobs import begin
from cellcohort.reference import coarse_types, labelled_cells, open_reference
from cellcohort.resources import gene_aliases
from cellcohort.splits import assign_splits
from cellcohort.tables import read_frame
from cellcohort.tokens import tokenise_reference, write_store

begin(snakemake)
reference = snakemake.params.reference
counts = open_reference(reference, snakemake.input.reference)
rows, labels, donors = labelled_cells(counts, label=reference["label"], donor=reference.get("donor"))
splits = assign_splits(counts.cell_ids[rows], labels, donors, seed=snakemake.params.seed)
alignment = align_genes(counts.genes, read_frame(snakemake.input.vocabulary), gene_aliases())
coarse = coarse_types(counts, rows, labels, reference.get("coarse"))
shards = tokenise_reference(counts, rows, labels, donors, splits, coarse, alignment)
write_store(snakemake.output.tokens, shards)
