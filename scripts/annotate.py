"""Annotate one sample."""

from pathlib import Path

from cellcohort.annotation.annotate_sample import annotate_sample
from cellcohort.bundle.model_bundle import Bundle
from cellcohort.core.gpus import choose_device, use_threads
from cellcohort.core.job import start_job
from cellcohort.core.provenance import add_facts

settings = start_job(snakemake)
files, output = snakemake.input, snakemake.output
bundle = Bundle.of_files(files.bundle)
add_facts(bundle_sha256=bundle.sha256)
use_threads(snakemake.threads)
bundle.model.to(choose_device(settings["device"], gpus=snakemake.resources.get("gpu", 0)))
result = annotate_sample(
    snakemake.params.sample,
    bundle,
    counts=files.counts,
    qc=files.qc,
    genes=files.genes,
    status=files.status,
    positional=files.positional,
    embedding=output.embedding,
    # Shared by the samples of the same genes, hence no output of any of their jobs.
    fitted=Path(output.embedding).parents[2] / "fitted_genes",
    shift=settings["shift"] or "off",
)
result.write(scores=output.scores, anchors=output.anchors, gene_scores=output.gene_scores, programs=output.programs)
