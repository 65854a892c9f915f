"""Write the OOD cells of one sample with all their genes."""

from cellcohort.counts import open_sample
from cellcohort.files import read_json
from cellcohort.logs import log_to
from cellcohort.ood_cells import empty_ood, write_ood

log_to(snakemake.log[0])
if read_json(snakemake.input.status)["status"] == "ok":
    write_ood(
        snakemake.output.ood,
        open_sample(snakemake.params.sample, snakemake.input.counts),
        annotation=snakemake.input.annotation,
        embedding=snakemake.input.embedding,
    )
else:
    empty_ood(snakemake.output.ood)
