"""Annotation of one sample from its files: all its tables, empty ones for a sample that was rejected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from ..bundle.fitted_genes import bundle_for_genes
from ..bundle.model_bundle import Bundle
from ..core.files import read_json
from ..core.provenance import write_record
from ..genes.alignment import Alignment
from ..inputs.counts import open_sample
from ..ood.judgement import Shift
from ..outputs.parquet import empty, read_frame, table_writer, write_table
from ..outputs.schemas import GENE_SCORES, PROGRAMS, SCORES, embedding_schema
from ..positional.evidence import altered
from .annotate import SampleScores, annotate
from .explanation import Explanation


@dataclass(frozen=True)
class SampleTables:
    """Results of a sample.

    Attributes
    ----------
    scores
        In schemas.SCORES; no rows where the sample was rejected.
    anchors
        Content of anchors.json: the technical shift that the p-values are adjusted for, on what it rests, and how many
        held-out reference cells get the right label by the sample's genes (`Bundle.held_out_accuracy`).
    gene_scores, programs
        Columns of schemas.GENE_SCORES and schemas.PROGRAMS.
    """

    scores: pa.Table
    anchors: dict[str, Any]
    gene_scores: pd.DataFrame
    programs: pd.DataFrame

    def write(self, *, scores: str | Path, anchors: str | Path, gene_scores: str | Path, programs: str | Path) -> None:
        """Write each to the path of its name."""
        write_table(scores, self.scores, SCORES)
        write_record(anchors, self.anchors)
        write_table(gene_scores, self.gene_scores, GENE_SCORES)
        write_table(programs, self.programs, PROGRAMS)


def annotate_sample(
    sample: Mapping[str, Any],
    bundle: Bundle,
    *,
    counts: str | Path,
    qc: str | Path,
    genes: str | Path,
    status: str | Path,
    positional: str | Path,
    embedding: str | Path,
    fitted: str | Path,
    shift: Literal["auto", "off"],
) -> SampleTables:
    """Annotate the cells of a sample that passed QC, none if its status is not ok.

    Parameters
    ----------
    sample
        The sample's row of the sheet.
    counts
        Its file or folder, opened only if the sample was not rejected.
    qc, genes, status, positional
        Its qc.parquet, genes.parquet, status.json and positional.parquet: cells with evidence in the last never tell
        what is technical.
    embedding
        embedding.parquet, which is written while cells stream by.
    fitted
        Folder in which what is fitted to the genes of a sample is kept (`fitted_genes`).
    shift
        Whether a technical shift of the sample is looked for.
    """
    config = bundle.model.config
    explanation = Explanation(config.n_labels, config.n_genes, config.n_slots)
    own, measured, result = bundle, np.arange(config.n_genes), SampleScores(empty(SCORES), Shift())
    with table_writer(embedding, embedding_schema(config.d_model)) as keep_embedding:
        if read_json(status)["status"] == "ok":
            cells = open_sample(sample, counts)
            alignment = Alignment.from_table(read_frame(genes), cells.genes)
            measured = alignment.measured
            own = bundle_for_genes(bundle, measured, fitted)
            result = annotate(
                cells,
                np.flatnonzero(read_frame(qc, ["passed"])["passed"]),
                alignment,
                own,
                explanation,
                sample_id=sample["sample_id"],
                patient_id=sample["patient_id"],
                shift=shift,
                barred=altered(read_frame(positional)),
                keep_embedding=keep_embedding,
            )
    named = bundle.labels, bundle.vocabulary["symbol"].to_numpy(), measured
    anchors = asdict(result.shift) | {"held_out_accuracy": own.held_out_accuracy}
    programs = explanation.slot_programs(*named, bundle.slot_stability)
    return SampleTables(result.table, anchors, explanation.gene_scores(*named), programs)
