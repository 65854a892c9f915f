"""Write the OOD cells of one sample with all their genes."""

from cellcohort.counts import open_sample
from cellcohort.files import read_json
from cellcohort.jobs import begin
from cellcohort.ood_cells import empty_ood, write_ood

begin(snakemake)
if read_json(snakemake.input.status)["status"] == "ok":
    write_ood(
        snakemake.output.ood,
        open_sample(snakemake.params.sample, snakemake.input.counts),
        annotation=snakemake.input.annotation,
        embedding=snakemake.input.embedding,
    )
else:
    empty_ood(snakemake.output.ood)
