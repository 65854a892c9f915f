"""Turn the reference into tokens, once."""

from cellcohort.core.job import start_job
from cellcohort.genes.alignment import align_genes
from cellcohort.inputs.resources import gene_aliases
from cellcohort.model.token_store import tokenise_reference, write_store
from cellcohort.outputs.parquet import read_frame
from cellcohort.reference.cells import coarse_types
from cellcohort.reference.checked_cells import checked_cells
from cellcohort.reference.splits import assign_splits

settings = start_job(snakemake)
reference = settings["reference"]
counts, rows, labels, donors = checked_cells(reference, snakemake.input.reference, snakemake.input.qc)
splits = assign_splits(counts.cell_ids[rows], labels, donors, seed=settings["seed"])
alignment = align_genes(counts.genes, read_frame(snakemake.input.vocabulary), gene_aliases())
coarse = coarse_types(counts, rows, labels, reference.get("coarse"))
shards = tokenise_reference(counts, rows, labels, donors, splits, coarse, alignment)
write_store(snakemake.output.tokens, shards)
