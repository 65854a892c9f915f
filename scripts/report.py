"""Write the cohort report and its figures."""

from cellcohort.logs import log_to
from cellcohort.report import render_report

log_to(snakemake.log[0])
params = snakemake.params
figures = dict(snakemake.output.items())
render_report(
    dict(snakemake.input.items()),
    figures.pop("report"),
    figures=figures,
    patients=params.patients,
    title=params.title,
    config=params.config,
)
