"""Hand one sample its part of the patient's copy number."""

from cellcohort.cnv.patient_files import split_sample
from cellcohort.core.job import start_job

start_job(snakemake)
files, output = snakemake.input, snakemake.output
split_sample(
    {"cnv": files.cnv, "cells": files.cells, "arms": files.arms},
    {"cnv": output.cnv, "cells": output.cells, "arms": output.arms},
    sample_id=snakemake.params.sample["sample_id"],
)
