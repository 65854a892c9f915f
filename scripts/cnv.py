"""Infer the copy number of one patient from all of its samples."""

from pathlib import Path

from cellcohort.cnv.genome import read_arms, read_positions
from cellcohort.cnv.heatmap import draw_heatmap
from cellcohort.cnv.outputs import write_patient
from cellcohort.cnv.patient import call_patient, open_healthy, open_samples
from cellcohort.cnv.settings import Settings
from cellcohort.counts import open_counts
from cellcohort.jobs import begin

begin(snakemake)
config, reference, files = snakemake.params.cnv, snakemake.params.reference, snakemake.input
healthy = None
if reference and files.get("reference"):
    opened = open_counts(files.reference, counts=reference["counts"], genes=reference["genes"])
    healthy = open_healthy(reference, opened)
result = call_patient(
    open_samples(snakemake.params.samples, files.counts, status=files.status, annotation=files.annotation),
    positions=read_positions(files.positions),
    arms=read_arms(files.arms),
    healthy=healthy,
    normal_labels=config["normal_labels"],
    min_reference=config["min_reference"],
    min_confidence=config["min_confidence"],
    settings=Settings(window=config["window"], step=config["step"]),
)
patient = snakemake.params.samples[0]["patient_id"]
output = snakemake.output
write_patient(result, patient, cnv=output.cnv, cells=output.cells, arms=output.arms)
draw_heatmap(Path(output.heatmap), result.cells, result.profile, result.chr_pos, title=f"Patient {patient}")
