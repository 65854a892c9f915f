"""Write the card of the model: what it was trained on, how good it is, and where it ends."""

from pathlib import Path

from cellcohort.bundle.model_card import write_card
from cellcohort.core.job import start_job

settings, output = start_job(snakemake), snakemake.output
write_card(
    Path(snakemake.input.manifest).parent,
    output.card,
    output.text,
    licence=settings["licence"],
    citation=settings["citation"],
)
