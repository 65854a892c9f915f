"""Call the OOD cells of one sample."""

from cellcohort.annotation.ood_calls import call_sample
from cellcohort.core.job import start_job

settings = start_job(snakemake)
files, output = snakemake.input, snakemake.output
call_sample(files.scores, files.anchors, annotation=output.annotation, shift=output.shift, **settings)
