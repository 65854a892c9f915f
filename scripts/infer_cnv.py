"""Infer the copy number of one patient from all of its samples, and say what its aneuploid cells have in common."""

from pathlib import Path

import matplotlib

from cellcohort.cnv.heatmap import draw_heatmap
from cellcohort.cnv.infer_patient import infer_patient
from cellcohort.cnv.patient_samples import open_healthy, open_samples
from cellcohort.core.job import start_job
from cellcohort.inputs.counts import open_counts
from cellcohort.reference.checked_cells import passed_cells

settings = start_job(snakemake)
matplotlib.use("Agg")  # no display is needed
reference, files = settings["reference"], snakemake.input
healthy = None
if reference and files.get("reference"):
    opened = open_counts(files.reference, counts=reference["counts"], genes=reference["genes"])
    healthy = open_healthy(reference, opened, passed_cells(opened, files.reference_qc))
samples = open_samples(
    snakemake.params.samples,
    files.counts,
    status=files.status,
    annotation=files.annotation,
    positional=files.positional,
)
patient_id = snakemake.params.samples[0]["patient_id"]
result = infer_patient(
    samples,
    patient_id,
    settings["cnv"],
    dict(snakemake.output.items()),
    positions=files.positions,
    arms=files.arms,
    healthy=healthy,
)
draw_heatmap(
    Path(snakemake.output.heatmap), result.cells, result.profile, result.chr_pos, title=f"Patient {patient_id}"
)
