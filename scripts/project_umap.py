"""Place the cohort's cells in a UMAP of the reference."""

from cellcohort.cohort.umap_projection import project_umap
from cellcohort.core.job import start_job
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import UMAP

settings = start_job(snakemake)
points = project_umap(
    snakemake.input.reference_embedding,
    embeddings=snakemake.input.embedding,
    annotations=snakemake.input.annotation,
    calls=snakemake.input.cnv_cells,
    max_points=settings["max_points"],
)
write_table(snakemake.output.umap, points, UMAP)
