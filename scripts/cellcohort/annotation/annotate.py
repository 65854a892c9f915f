"""Annotation of cells: labels, confidence, OOD scores and embeddings, streamed from disk chunk by chunk.

A cell's results depend on that cell alone (design law 1) but for the OOD call, which needs the sample as a whole:
p-values are of a cell and its neighbours, adjusted for the sample's technical shift, q-values for its cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from scipy import sparse

from ..bundle.model_bundle import Bundle
from ..classifier.ensemble import probabilities
from ..classifier.type_profiles import Comparison
from ..core.logs import progress_bar
from ..genes.alignment import Alignment
from ..inputs.counts import Counts
from ..model.inference import run_batches
from ..model.reading import read_workspace
from ..model.tokens import Tokens, scale_bins, tokenise
from ..ood.judgement import SampleCells, asked_cells
from ..ood.neighbourhoods import fit_axes
from ..outputs.parquet import as_table, vectors
from ..outputs.schemas import ANNOTATION
from .explanation import Explanation, score_tokens
from .ood_calls import call_ood

SURE = 0.5  # confidence from which a label is more likely right than wrong


@dataclass(frozen=True)
class Annotation:
    """Annotation of the cells of a sample.

    Attributes
    ----------
    table
        In schemas.ANNOTATION, in the order of the file.
    shift
        The technical shift that the p-values are adjusted for (`ood_calls.describe_shift`).
    """

    table: pa.Table
    shift: dict[str, Any]


def annotate(
    counts: Counts,
    rows: np.ndarray,
    alignment: Alignment,
    bundle: Bundle,
    explanation: Explanation,
    *,
    sample_id: str,
    patient_id: str,
    alpha: float,
    shift: Literal["auto", "off"],
    barred: np.ndarray,
    keep_embedding: Callable[[pa.Table], None],
    chunk_size: int = 4096,
) -> Annotation:
    """Annotate the cells `rows` of a sample, chunk by chunk.

    Parameters
    ----------
    counts
        The sample.
    bundle
        As it is for the genes that the sample measures (`fitted_genes.bundle_for_genes`).
    rows
        Ascending row numbers of the cells that passed QC.
    explanation
        Receives the gene scores and programs of all cells.
    alpha
        A cell whose p-value is at most this is OOD.
    shift
        Whether a technical shift of the sample is looked for.
    barred
        Which of the cells carry positional evidence, bool, shape (n,): they never anchor, and no shift excuses them.
    keep_embedding
        Receives the rows of embedding.parquet of each chunk.
    """
    asked = asked_cells(counts.cell_ids[rows])
    asked_bins = _read_bins(counts, rows[asked], alignment, bundle, chunk_size)
    axes = fit_axes(asked_bins)
    n_chunks = -(-counts.n_cells // chunk_size)
    nothing, tables = asked_bins[:0], []
    seen = [_what_decides(bundle, bundle.profiles.compare(nothing), axes.project(nothing))]
    for chunk_rows, matrix in progress_bar(counts.chunks(rows, chunk_size), total=n_chunks, title=sample_id):
        tokens, scaled_bins = _tokenise(matrix, alignment, bundle)
        compared = bundle.profiles.compare(scaled_bins)
        member_logits, embedding = _predict(bundle, tokens, compared, explanation)
        columns = label_cells(bundle, probabilities(member_logits, bundle.ensemble_weights))
        cell_ids = counts.cell_ids[chunk_rows]
        keep_embedding(pa.table({"cell_id": cell_ids, "vector": vectors(embedding)}))
        seen.append(_what_decides(bundle, compared, axes.project(scaled_bins)))
        tables.append(pa.table({"cell_id": cell_ids, **columns}))
    types, scores, places, origins, margins = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    cells = SampleCells(counts.cell_ids[rows], types, scores, places, barred, asked, asked_bins)
    ood_columns, described = call_ood(
        bundle, cells, origins, margins, measured=alignment.measured, alpha=alpha, shift=shift
    )
    ids = {"sample_id": [sample_id] * len(scores), "patient_id": [patient_id] * len(scores)}
    return Annotation(_with_columns(tables, ids | ood_columns), described)


def _what_decides(bundle: Bundle, compared: Comparison, places: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the decisions on a sample as a whole need of a chunk: types, scores, places by the sample's own axes,
    origins and their margins."""
    return compared.types, bundle.detector.score(compared.ood_components), places, compared.origins, compared.margins


def _tokenise(matrix: sparse.csr_matrix, alignment: Alignment, bundle: Bundle) -> tuple[Tokens, sparse.csr_matrix]:
    """Tokens and scaled bins of cells of the sample."""
    config = bundle.model.config
    tokens = tokenise(alignment.project(matrix), n_bins=config.n_bins)
    return tokens, scale_bins(tokens, config.n_genes, config.n_bins)


def _read_bins(
    counts: Counts, rows: np.ndarray, alignment: Alignment, bundle: Bundle, chunk_size: int
) -> sparse.csr_matrix:
    """Scaled bins of the cells `rows`, which come in any order."""
    order = np.argsort(rows)
    parts = [_tokenise(matrix, alignment, bundle)[1] for _, matrix in counts.chunks(rows[order], chunk_size)]
    empty = sparse.csr_matrix((0, bundle.model.config.n_genes), dtype=np.float32)
    return sparse.vstack([empty, *parts], format="csr")[np.argsort(order)]


def _predict(
    bundle: Bundle, tokens: Tokens, compared: Comparison, explanation: Explanation
) -> tuple[np.ndarray, np.ndarray]:
    """Logits of the ensemble's members and embeddings of the chunk's cells, whose genes' scores and programs are added
    to the explanation of their label."""
    weights = bundle.ensemble_weights
    embedding = np.empty((len(tokens), bundle.model.config.d_model), np.float32)
    member_logits = compared.member_logits(np.zeros_like(compared.linear_logits))[: len(weights)]
    for rows, batch, output in run_batches(bundle.model, tokens, attention=True):
        member_logits[0, rows], embedding[rows] = output.logits.cpu().numpy(), output.embedding.cpu().numpy()
        labels = np.tensordot(weights, member_logits[:, rows], 1).argmax(1)
        reading = read_workspace(bundle.model, batch, output, bundle.contrast[labels])
        explanation.add(labels, batch, reading, score_tokens(bundle, batch, labels, reading))
    return member_logits, embedding


def label_cells(bundle: Bundle, probability: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of schemas.ANNOTATION that are about labels, from probabilities (n, n_labels).

    Where the reference has coarse types, a cell's coarse label is the one of most probability, summed over its types;
    the resolved label is the label where that is more likely right than wrong, and the coarse label elsewhere.
    """
    names, coarse = np.array(bundle.labels, object), bundle.coarse
    order = np.argsort(-probability, axis=1, kind="stable")
    confidence = np.take_along_axis(probability, order, 1)[:, 0]
    columns = {"label": names[order[:, 0]], "confidence": confidence, "second_label": names[order[:, 1]]}
    if coarse is None:
        nothing = np.full(len(probability), None, object)
        return columns | {
            "coarse_label": nothing,
            "coarse_confidence": pa.nulls(len(probability), pa.float32()),
            "resolved_label": columns["label"],
        }
    groups, group = np.unique(coarse, return_inverse=True)
    summed = probability @ (group[:, None] == np.arange(len(groups)))
    coarse_label = groups[summed.argmax(1)]
    return columns | {
        "coarse_label": coarse_label,
        "coarse_confidence": summed.max(1),
        "resolved_label": np.where(confidence >= SURE, columns["label"], coarse_label),
    }


def _with_columns(tables: list[pa.Table], columns: Mapping[str, Any]) -> pa.Table:
    """The chunks as one table, with the columns that need all cells of the sample."""
    if not tables:
        return ANNOTATION.empty_table()
    table = pa.concat_tables(tables)
    for name, column in columns.items():
        table = table.append_column(name, pa.array(column))
    return as_table(table, ANNOTATION)
