"""Annotation of cells: labels, confidence, OOD scores and embeddings, streamed from disk chunk by chunk.

A cell's results depend on that cell alone (design law 1) but for what needs the sample as a whole: p-values are of a
cell and its neighbours, adjusted for the sample's technical shift, q-values for its cells. No threshold is applied here
(`ood_calls`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.stats import false_discovery_control

from ..bundle.model_bundle import Bundle
from ..classifier.ensemble import probabilities
from ..classifier.label_sets import needed_coverage
from ..classifier.own_genes import OwnGenes
from ..classifier.type_profiles import Comparison
from ..core.logs import progress_bar
from ..genes.alignment import Alignment
from ..inputs.counts import Counts
from ..model.inference import run_batches
from ..model.reading import read_workspace
from ..model.token_store import tokenise_chunk
from ..model.tokens import Tokens, scale_bins
from ..ood.judgement import Judgement, SampleCells, Shift, asked_cells, judge_sample
from ..ood.neighbourhoods import fit_axes
from ..outputs.parquet import as_table, vectors
from ..outputs.schemas import SCORES
from .explanation import Explanation, score_tokens

SURE = 0.5  # confidence from which a label is more likely right than wrong


@dataclass(frozen=True)
class SampleScores:
    """Scores of the cells of a sample.

    Attributes
    ----------
    table
        In schemas.SCORES, in the order of the file.
    shift
        The technical shift that the p-values are adjusted for.
    """

    table: pa.Table
    shift: Shift


def annotate(
    counts: Counts,
    rows: np.ndarray,
    alignment: Alignment,
    bundle: Bundle,
    explanation: Explanation,
    *,
    sample_id: str,
    patient_id: str,
    shift: Literal["auto", "off"],
    barred: np.ndarray,
    keep_embedding: Callable[[pa.Table], None],
    chunk_size: int = 4096,
) -> SampleScores:
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
    shift
        Whether a technical shift of the sample is looked for.
    barred
        Which of the cells carry positional evidence, bool, shape (n,): they never anchor, and no shift excuses them.
    keep_embedding
        Receives the rows of embedding.parquet of each chunk.
    """
    asked = asked_cells(counts.cell_ids[rows])
    asked_bins = _read_bins(counts, rows[asked], alignment, bundle, chunk_size)
    axes, own_genes = fit_axes(asked_bins), OwnGenes(bundle.profiles, alignment.measured)
    n_chunks = -(-counts.n_cells // chunk_size)
    nothing, tables = asked_bins[:0], []
    seen = [(np.empty(0, int), np.empty(0), axes.project(nothing))]
    for chunk_rows, matrix in progress_bar(counts.chunks(rows, chunk_size), total=n_chunks, title=sample_id):
        tokens, scaled_bins = _tokenise(matrix, counts.kind, alignment, bundle)
        compared = bundle.profiles.compare(scaled_bins)
        member_logits, embedding = _predict(bundle, tokens, compared, explanation)
        columns = label_cells(bundle, probabilities(member_logits, bundle.ensemble_weights))
        columns |= _nearest_types(bundle, compared, scaled_bins, own_genes)
        cell_ids = counts.cell_ids[chunk_rows]
        keep_embedding(pa.table({"cell_id": cell_ids, "vector": vectors(embedding)}))
        scores = bundle.detector.score(compared.ood_components)
        seen.append((compared.types, scores, axes.project(scaled_bins)))
        tables.append(pa.table({"cell_id": cell_ids, **columns}))
    types, scores, places = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    cells = SampleCells(counts.cell_ids[rows], types, scores, places, barred, asked, asked_bins)
    judged = judge_sample(bundle.profiles, bundle.detector, bundle.labels, cells, shift=shift)
    ids = {"sample_id": [sample_id] * len(scores), "patient_id": [patient_id] * len(scores)}
    return SampleScores(_with_columns(tables, ids | ood_columns(cells, judged)), judged.shift)


def ood_columns(cells: SampleCells, judged: Judgement) -> dict[str, np.ndarray]:
    """The columns of schemas.SCORES that need all cells of the sample."""
    return {
        "ood_score": cells.scores,
        "ood_pvalue": judged.pvalues,
        "ood_qvalue": false_discovery_control(judged.pvalues),
        "unshifted_pvalue": judged.unshifted,
        "positional": cells.barred,
    }


def _nearest_types(
    bundle: Bundle, compared: Comparison, scaled_bins: sparse.csr_matrix, own_genes: OwnGenes
) -> dict[str, np.ndarray]:
    """The columns of schemas.SCORES that are about a cell's nearest type."""
    kept, expected = own_genes.kept(scaled_bins.astype(bool).astype(np.float64), compared.origins)
    return {
        "nearest_type": np.array(bundle.labels, object)[compared.origins],
        "origin_margin": compared.margins,
        "own_genes": kept,
        "own_genes_expected": expected,
    }


def _tokenise(
    matrix: sparse.csr_matrix, kind: str, alignment: Alignment, bundle: Bundle
) -> tuple[Tokens, sparse.csr_matrix]:
    """Tokens and scaled bins of cells of the sample, whose values are of `kind`."""
    config = bundle.model.config
    tokens = tokenise_chunk(matrix, kind, alignment, n_bins=config.n_bins, by_value=config.bins_by_value)
    return tokens, scale_bins(tokens, config.n_genes, config.n_bins)


def _read_bins(
    counts: Counts, rows: np.ndarray, alignment: Alignment, bundle: Bundle, chunk_size: int
) -> sparse.csr_matrix:
    """Scaled bins of the cells `rows`, which come in any order."""
    order = np.argsort(rows)
    chunks = counts.chunks(rows[order], chunk_size)
    parts = [_tokenise(matrix, counts.kind, alignment, bundle)[1] for _, matrix in chunks]
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
    """The columns of schemas.SCORES that are about labels, from probabilities (n, n_labels).

    Where the reference has coarse types, a cell's coarse label is the one of most probability, summed over its types;
    the resolved label is the label where that is more likely right than wrong, and the coarse label elsewhere.
    The possible labels, most probable first, are those of its label sets (`label_sets`).
    """
    names, coarse = np.array(bundle.labels, object), bundle.coarse
    order = np.argsort(-probability, axis=1, kind="stable")
    confidence = np.take_along_axis(probability, order, 1)[:, 0]
    columns = {"label": names[order[:, 0]], "confidence": confidence, "second_label": names[order[:, 1]]}
    needed = np.take_along_axis(needed_coverage(probability, bundle.limits), order, 1)
    columns |= _possible_labels(names, order, needed)
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


def _possible_labels(names: np.ndarray, order: np.ndarray, needed: np.ndarray) -> dict[str, pa.Array]:
    """The labels that a cell's sets have at any coverage, and from which on.

    Parameters
    ----------
    order, needed
        Label numbers of each cell, the most probable first, and the coverages that they need, shape (n, n_labels).
    """
    possible = np.isfinite(needed)
    ends = pa.array(np.concatenate([[0], possible.sum(1).cumsum()]), pa.int32())
    columns = {
        "possible_labels": pa.array(names[order[possible]], pa.string()),
        "needed_coverage": pa.array(needed[possible]),
    }
    return {name: pa.ListArray.from_arrays(ends, values) for name, values in columns.items()}


def _with_columns(tables: list[pa.Table], columns: Mapping[str, Any]) -> pa.Table:
    """The chunks as one table, with the columns that need all cells of the sample."""
    if not tables:
        return SCORES.empty_table()
    table = pa.concat_tables(tables)
    for name, column in columns.items():
        table = table.append_column(name, pa.array(column))
    return as_table(table, SCORES)
