"""Annotation of a sample: streamed from disk through the model, each cell judged by itself (DESIGN law 1).

Only the OOD verdict needs the sample as a whole: p-values are adjusted for its technical shift, q-values for its cells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.stats import false_discovery_control

from .bundle import Bundle
from .calibration import probabilities
from .counts import Counts
from .direct import bin_levels
from .explanation import Explanation
from .genes import Alignment
from .inference import run_batches
from .logs import progress_bar
from .shift import Shift, ShiftEstimator
from .tables import ANNOTATION, as_table, vectors
from .tokens import Tokens, tokenise


@dataclass(frozen=True)
class Annotation:
    """What the model says of a sample.

    Attributes
    ----------
    table
        In tables.ANNOTATION, in the order of the file.
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
    alpha: float,
    keep_embedding: Callable[[pa.Table], None],
    chunk_size: int = 4096,
) -> Annotation:
    """Annotate the cells `rows` of a sample, chunk by chunk.

    Parameters
    ----------
    counts
        The sample.
    rows
        Ascending row numbers of the cells that passed QC.
    explanation
        Receives the gene scores and programs of all cells.
    alpha
        A cell whose conformal p-value is at most this is OOD.
    keep_embedding
        Receives the rows of embedding.parquet of each chunk.
    """
    estimator = ShiftEstimator(bundle.profiles, bundle.detector, bundle.labels)
    n_chunks = -(-counts.n_cells // chunk_size)
    codes, scores, tables = [np.empty(0, int)], [np.empty(0)], []
    for chunk_rows, matrix in progress_bar(counts.chunks(rows, chunk_size), total=n_chunks, title=sample_id):
        tokens = tokenise(alignment.project(matrix), n_bins=bundle.model.config.n_bins)
        logits, embedding = _read_cells(bundle, tokens, explanation)
        levels = bin_levels(tokens, bundle.model.config.n_genes, bundle.model.config.n_bins)
        code, columns = _label(bundle, logits)
        score = bundle.detector.score(bundle.profiles.views(levels)[1])
        cell_ids = counts.cell_ids[chunk_rows]
        estimator.add(cell_ids, code, score, levels)
        keep_embedding(pa.table({"cell_id": cell_ids, "vector": vectors(embedding)}))
        codes.append(code)
        scores.append(score)
        tables.append(pa.table({"cell_id": cell_ids, **columns}))
    code, score = np.concatenate(codes), np.concatenate(scores)
    shift = estimator.estimate(code, score)
    return Annotation(_with_verdict(tables, bundle, code, score, shift, (sample_id, patient_id), alpha), shift)


def _read_cells(bundle: Bundle, tokens: Tokens, explanation: Explanation) -> tuple[np.ndarray, np.ndarray]:
    """Logits and embeddings of the chunk's cells; their attention goes to the explanation."""
    config = bundle.model.config
    logits = np.empty((len(tokens), config.n_labels), np.float32)
    embedding = np.empty((len(tokens), config.d_model), np.float32)
    for rows, batch, output in run_batches(bundle.model, tokens, attention=True):
        logits[rows], embedding[rows] = output.logits.cpu().numpy(), output.embedding.cpu().numpy()
        explanation.add(logits[rows].argmax(1), batch, output)
    return logits, embedding


def _label(bundle: Bundle, logits: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Number of the label of n cells, and the columns label, confidence and second_label."""
    names = np.array(bundle.labels, object)
    probability = probabilities(logits, bundle.temperature)
    order = np.argsort(-probability, axis=1, kind="stable")
    confidence = np.take_along_axis(probability, order, 1)[:, 0]
    columns = {"label": names[order[:, 0]], "confidence": confidence, "second_label": names[order[:, 1]]}
    return order[:, 0], columns


def _with_verdict(
    tables: list[pa.Table],
    bundle: Bundle,
    codes: np.ndarray,
    scores: np.ndarray,
    shift: Shift,
    ids: tuple[str, str],
    alpha: float,
) -> pa.Table:
    """The chunks as one table, with the columns that need all cells of the sample."""
    if not tables:
        return ANNOTATION.empty_table()
    pvalues = bundle.detector.pvalue(scores - shift.shift, np.array(bundle.labels, object)[codes])
    table = pa.concat_tables(tables)
    verdict = {
        "sample_id": [ids[0]] * len(scores),
        "patient_id": [ids[1]] * len(scores),
        "ood_score": scores,
        "ood_pvalue": pvalues,
        "is_ood": pvalues <= alpha,
        "ood_qvalue": false_discovery_control(pvalues),
    }
    for name, column in verdict.items():
        table = table.append_column(name, pa.array(column))
    return as_table(table, ANNOTATION)
