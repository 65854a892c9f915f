"""Write the cohort report, its figures, and the tables of figures that have no other."""

from cellcohort.core.job import start_job
from cellcohort.report.page import render_report

settings = start_job(snakemake)
params, outputs = snakemake.params, dict(snakemake.output.items())
tables = {name.removesuffix("_tsv"): path for name, path in outputs.items() if name.endswith("_tsv")}
figures = {name: path for name, path in outputs.items() if path.endswith(".svg")}
render_report(
    dict(snakemake.input.items()),
    outputs["report"],
    figures=figures,
    tables=tables,
    patients=params.patients,
    title=settings["report"]["title"],
    config=params.config,
)
