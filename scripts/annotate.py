"""Annotate one sample."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from cellcohort.annotation.annotate import annotate
from cellcohort.annotation.explanation import Explanation
from cellcohort.bundle.model_bundle import Bundle
from cellcohort.core.files import read_json
from cellcohort.core.gpus import choose_device, use_threads
from cellcohort.core.job import start_job
from cellcohort.core.provenance import add_facts, write_record
from cellcohort.genes.alignment import Alignment
from cellcohort.inputs.counts import open_sample
from cellcohort.ood.sample_shift import Shift
from cellcohort.outputs.parquet import empty, read_frame, table_writer, write_table
from cellcohort.outputs.schemas import ANNOTATION, GENE_SCORES, PROGRAMS, embedding_schema

settings = start_job(snakemake)
bundle = Bundle.open(Path(snakemake.input.bundle[0]).parent)
add_facts(bundle_sha256=bundle.sha256)
use_threads(snakemake.threads)
sample, output = snakemake.params.sample, snakemake.output
config = bundle.model.config
bundle.model.to(choose_device(settings["device"], gpus=snakemake.resources.get("gpu", 0)))
explanation = Explanation(config.n_labels, config.n_genes, config.n_slots)
annotation, shift = empty(ANNOTATION), Shift(0.0, {})
with table_writer(output.embedding, embedding_schema(config.d_model)) as keep_embedding:
    if read_json(snakemake.input.status)["status"] == "ok":
        counts = open_sample(sample, snakemake.input.counts)
        result = annotate(
            counts,
            np.flatnonzero(read_frame(snakemake.input.qc, ["passed"])["passed"]),
            Alignment.from_table(read_frame(snakemake.input.genes), counts.genes),
            bundle,
            explanation,
            sample_id=sample["sample_id"],
            patient_id=sample["patient_id"],
            alpha=settings["ood"]["alpha"],
            keep_embedding=keep_embedding,
        )
        annotation, shift = result.table, result.shift
write_table(output.annotation, annotation, ANNOTATION)
write_record(output.shift, asdict(shift))
symbols = bundle.vocabulary["symbol"].to_numpy()
write_table(output.gene_scores, explanation.gene_scores(bundle.labels, symbols), GENE_SCORES)
write_table(output.programs, explanation.slot_programs(bundle.labels, symbols), PROGRAMS)
