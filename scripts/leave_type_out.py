"""Leave each type out of the reference and say how well it is found."""

from cellcohort.bundle.calibration_cells import calibration_cells
from cellcohort.core.job import start_job
from cellcohort.model.token_store import TokenStore
from cellcohort.model.tokens import N_BINS
from cellcohort.ood.leave_type_out import leave_types_out
from cellcohort.outputs.parquet import read_frame, write_both
from cellcohort.outputs.schemas import LEAVE_TYPE_OUT

settings = start_job(snakemake)
store, seed = TokenStore(snakemake.input.tokens), settings["seed"]
n_genes = len(read_frame(snakemake.input.vocabulary))
_, cells, scaled_bins = calibration_cells(store, n_genes=n_genes, n_bins=N_BINS, seed=seed)
table = leave_types_out(scaled_bins, cells, store.labels, alpha=settings["alpha"], seed=seed)
write_both(snakemake.output.table, snakemake.output.tsv, [table], LEAVE_TYPE_OUT)
