"""Compare the cells of one sample with healthy types in blocks along the genome."""

from cellcohort.core.job import start_job
from cellcohort.genes.genome_tables import read_positions
from cellcohort.outputs.parquet import write_table
from cellcohort.outputs.schemas import POSITIONAL
from cellcohort.positional.healthy_types import HealthyTypes
from cellcohort.positional.measure_sample import measure_sample

start_job(snakemake)
files = snakemake.input
table = measure_sample(
    snakemake.params.sample,
    HealthyTypes.read(files.healthy_types, files.null),
    counts=files.counts,
    qc=files.qc,
    genes=files.genes,
    status=files.status,
    positions=read_positions(files.positions),
)
write_table(snakemake.output.positional, table, POSITIONAL)
