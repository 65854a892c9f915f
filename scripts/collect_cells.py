"""Write all annotated cells of the cohort as one .h5ad."""

from cellcohort.annotated import SampleFiles, write_annotated
from cellcohort.jobs import begin
from cellcohort.tables import read_frame

begin(snakemake)
files, names = snakemake.input, ("counts", "status", "genes", "annotation", "embedding")
calls = files.cnv_cells or [None] * len(files.annotation)
samples = [
    SampleFiles(sample, *paths)
    for sample, *paths in zip(snakemake.params.samples, *(files[name] for name in names), calls, strict=True)
]
write_annotated(
    snakemake.output.annotated,
    samples,
    vocabulary=read_frame(files.vocabulary),
    umap=files.umap,
    title=snakemake.params.title,
)
