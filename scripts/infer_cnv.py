"""Infer the copy number of one patient from all of its samples, and say what its aneuploid cells have in common."""

from pathlib import Path

import matplotlib

from cellcohort.cnv.call_patient import call_patient
from cellcohort.cnv.heatmap import draw_heatmap
from cellcohort.cnv.leiden_groups import leiden_groups
from cellcohort.cnv.normals.limits import find_limits
from cellcohort.cnv.patient_files import cell_names, write_patient
from cellcohort.cnv.patient_samples import open_healthy, open_samples
from cellcohort.cnv.patient_summary import add_origins, arm_shares, origin_shares
from cellcohort.cnv.settings import Settings
from cellcohort.core.job import start_job
from cellcohort.genes.genome_tables import read_arms, read_positions
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.parquet import read_frame, write_table
from cellcohort.outputs.schemas import CNV_LIMITS, CNV_ORIGINS, CNV_PATIENTS, CNV_REFERENCE
from cellcohort.reference.checked_cells import passed_cells

settings = start_job(snakemake)
matplotlib.use("Agg")  # no display is needed
config, reference, files = settings["cnv"], settings["reference"], snakemake.input
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
positions = read_positions(files.positions)
thresholds = Settings(window=config["window"], step=config["step"])
result = call_patient(
    samples,
    positions=positions,
    arms=read_arms(files.arms),
    healthy=healthy,
    normal_labels=config["normal_labels"],
    min_reference=config["min_reference"],
    min_confidence=config["min_confidence"],
    settings=thresholds,
)
patient = snakemake.params.samples[0]["patient_id"]
output = snakemake.output
leiden = leiden_groups(result.profile, cell_names(result.cells))
write_patient(result, patient, leiden=leiden, cnv=output.cnv, cells=output.cells, arms=output.arms)
draw_heatmap(Path(output.heatmap), result.cells, result.profile, result.chr_pos, title=f"Patient {patient}")

arms = read_frame(output.arms)
cells = add_origins(read_frame(output.cells), {sample.sample_id: sample.annotation for sample in samples})
write_table(output.patient, arm_shares(cells, arms), CNV_PATIENTS)
write_table(output.origins, origin_shares(cells, arms), CNV_ORIGINS)
limits = find_limits(result.normals, thresholds)
write_table(output.normals, result.reference.assign(patient_id=patient), CNV_REFERENCE)
write_table(output.limits, limits.assign(patient_id=patient), CNV_LIMITS)
