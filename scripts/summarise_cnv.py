"""Say of one patient which arms its aneuploid cells carry, where they may come from and which genes mark them."""

from cellcohort.cnv.genome import read_positions
from cellcohort.cnv.markers import rank_markers
from cellcohort.cnv.patient import open_samples
from cellcohort.cnv.summary import arm_shares, join_cells, origin_shares
from cellcohort.cohort_tables import CNV_MARKERS, CNV_ORIGINS, CNV_PATIENTS
from cellcohort.jobs import begin
from cellcohort.tables import read_frame, write_table

begin(snakemake)
files, output = snakemake.input, snakemake.output
samples = open_samples(snakemake.params.samples, files.counts, status=files.status, annotation=files.annotation)
names = [row["sample_id"] for row in snakemake.params.samples]
arms = read_frame(files.arms)
cells = join_cells(
    read_frame(files.cells),
    {sample.sample_id: sample.annotation for sample in samples},
    dict(zip(names, files.ood, strict=True)),
)
write_table(output.patient, arm_shares(cells, arms), CNV_PATIENTS)
write_table(output.origins, origin_shares(cells, arms), CNV_ORIGINS)
write_table(output.markers, rank_markers(cells, samples, read_positions(files.positions)), CNV_MARKERS)
