"""Write the OOD cells of one sample with all their genes."""

from cellcohort.core.files import read_json
from cellcohort.core.job import start_job
from cellcohort.inputs.counts import open_sample
from cellcohort.ood.extract import empty_ood, write_ood

start_job(snakemake)
if read_json(snakemake.input.status)["status"] == "ok":
    write_ood(
        snakemake.output.ood,
        open_sample(snakemake.params.sample, snakemake.input.counts),
        annotation=snakemake.input.annotation,
        embedding=snakemake.input.embedding,
    )
else:
    empty_ood(snakemake.output.ood)
