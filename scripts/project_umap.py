"""Place the cohort's cells in a UMAP of the reference."""

from cellcohort.cohort_tables import UMAP
from cellcohort.jobs import begin
from cellcohort.tables import write_table
from cellcohort.umap import project_umap

begin(snakemake)
points = project_umap(
    snakemake.input.reference_embedding,
    embeddings=snakemake.input.embedding,
    annotations=snakemake.input.annotation,
    calls=snakemake.input.cnv_cells,
    max_points=snakemake.params.max_points,
)
write_table(snakemake.output.umap, points, UMAP)
