"""Tabulate the genes and gene sets that each patient's OOD cells gained or lost beside their origins."""

from cellcohort.bundle.model_bundle import Bundle
from cellcohort.cohort.differential_detection import compare_origins
from cellcohort.core.job import start_job
from cellcohort.inputs.gene_sets import read_gene_sets
from cellcohort.outputs.parquet import write_both
from cellcohort.outputs.schemas import ORIGIN_GENE_SETS, ORIGIN_GENES

start_job(snakemake)
files, output = snakemake.input, snakemake.output
bundle = Bundle.of_files(files.bundle)
tables = list(compare_origins(files.annotated, bundle, read_gene_sets(files.gene_sets)))
write_both(output.genes, output.genes_tsv, (genes for genes, _ in tables), ORIGIN_GENES)
write_both(output.gene_sets, output.gene_sets_tsv, (sets for _, sets in tables), ORIGIN_GENE_SETS)
