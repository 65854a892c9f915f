"""Infer the copy number of one patient from all of its samples."""

from pathlib import Path

from cellcohort.cnv.heatmap import draw_heatmap
from cellcohort.cnv.outputs import write_patient
from cellcohort.cnv.patient import Sample, call_patient, open_healthy
from cellcohort.cnv.settings import Settings
from cellcohort.counts import open_counts
from cellcohort.files import read_json
from cellcohort.logs import log_to
from cellcohort.resources import chromosome_arms, gene_positions
from cellcohort.tables import read_frame

log_to(snakemake.log[0])
config, reference = snakemake.params.cnv, snakemake.params.reference
usable = {
    row["sample_id"]: Sample(
        row["sample_id"],
        open_counts(path, counts=row.get("counts", "X"), genes=row.get("genes", "index")),
        read_frame(annotation),
    )
    for row, path, status, annotation in zip(
        snakemake.params.samples,
        snakemake.input.counts,
        snakemake.input.status,
        snakemake.input.annotation,
        strict=True,
    )
    if read_json(status)["status"] == "ok"
}
healthy = None
if reference and snakemake.input.get("reference"):
    opened = open_counts(snakemake.input.reference, counts=reference["counts"], genes=reference["genes"])
    healthy = open_healthy(reference, opened)
result = call_patient(
    list(usable.values()),
    positions=gene_positions(path=snakemake.input.positions),
    arms=chromosome_arms(path=snakemake.input.arms),
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
