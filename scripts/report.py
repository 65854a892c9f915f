"""Write the cohort report and its figures."""

from cellcohort.jobs import begin
from cellcohort.report import render_report

begin(snakemake)
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
