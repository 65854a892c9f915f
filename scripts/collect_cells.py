"""Write all annotated cells of the cohort as one .h5ad."""

from cellcohort.cohort.cohort_h5ad import SampleFiles, write_annotated
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import read_frame

settings = start_job(snakemake)
files, names = snakemake.input, ("counts", "genes", "annotation", "embedding", "verdict")
states = read_frame(files.samples, ["status", "value_kind"])
kinds = states["value_kind"].where(states["status"] == "ok", None)
calls = files.cnv_cells or [None] * len(files.annotation)
samples = [
    SampleFiles(sample, kind, *paths)
    for sample, kind, *paths in zip(
        snakemake.params.samples, kinds, *(files[name] for name in names), calls, strict=True
    )
]
write_annotated(
    snakemake.output.annotated,
    samples,
    vocabulary=read_frame(files.vocabulary),
    umap=files.umap,
    title=settings["title"],
)
