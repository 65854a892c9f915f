"""Leave each type out of the reference and say how well it is found."""

from cellcohort.cohort_tables import LEAVE_TYPE_OUT
from cellcohort.evidence import bin_levels
from cellcohort.judgement import kept_rows
from cellcohort.leave_type_out import leave_types_out
from cellcohort.logs import log_to
from cellcohort.tables import read_frame, write_table, write_tsv
from cellcohort.tokens import N_BINS, TokenStore

log_to(snakemake.log[0])
store, seed = TokenStore(snakemake.input.tokens), snakemake.params.seed
rows = kept_rows(store.cells, seed=seed)
levels = bin_levels(store.read(rows), len(read_frame(snakemake.input.vocabulary)), N_BINS)
cells = store.cells.iloc[rows].reset_index(drop=True)
table = leave_types_out(levels, cells, store.labels, alpha=snakemake.params.alpha, seed=seed)
write_table(snakemake.output.table, table, LEAVE_TYPE_OUT)
write_tsv(snakemake.output.tsv, table)
