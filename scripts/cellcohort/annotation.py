"""Annotation of a sample: streamed from disk through the model, each cell judged by itself (DESIGN law 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .bundle import Bundle
from .calibration import probabilities
from .counts import Counts
from .explanation import Explanation
from .genes import Alignment
from .inference import run_batches
from .logs import progress_bar
from .tables import vectors
from .tokens import Tokens, tokenise


@dataclass(frozen=True)
class AnnotatedChunk:
    """Some cells of a sample: rows of annotation.parquet and of embedding.parquet."""

    annotation: pa.Table
    embedding: pa.Table


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
    chunk_size: int = 4096,
) -> Iterator[AnnotatedChunk]:
    """Annotate the cells `rows` of a sample, chunk by chunk, in the order of the file.

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
    """
    n_chunks = -(-counts.n_cells // chunk_size)
    for chunk_rows, matrix in progress_bar(counts.chunks(rows, chunk_size), total=n_chunks, title=sample_id):
        tokens = tokenise(alignment.project(matrix), n_bins=bundle.model.config.n_bins)
        logits, embedding = _read_cells(bundle, tokens, explanation)
        columns = judge(bundle, logits, embedding, alpha=alpha)
        cell_ids = counts.cell_ids[chunk_rows]
        names = {
            "cell_id": cell_ids,
            "sample_id": [sample_id] * len(cell_ids),
            "patient_id": [patient_id] * len(cell_ids),
        }
        yield AnnotatedChunk(
            pa.table({**names, **columns}), pa.table({"cell_id": cell_ids, "vector": vectors(embedding)})
        )


def judge(bundle: Bundle, logits: np.ndarray, embedding: np.ndarray, *, alpha: float) -> dict[str, np.ndarray]:
    """Label, confidence, second label and OOD verdict of n cells from their logits and embeddings."""
    labels = np.array(bundle.labels, object)
    probability = probabilities(logits, bundle.temperature)
    order = np.argsort(-probability, axis=1, kind="stable")
    label = labels[order[:, 0]]
    score = bundle.detector.score(bundle.neighbours, embedding, logits)
    pvalue = bundle.detector.pvalue(score, label)
    return {
        "label": label,
        "confidence": np.take_along_axis(probability, order, 1)[:, 0],
        "second_label": labels[order[:, 1]],
        "ood_score": score,
        "ood_pvalue": pvalue,
        "is_ood": pvalue <= alpha,
    }


def _read_cells(bundle: Bundle, tokens: Tokens, explanation: Explanation) -> tuple[np.ndarray, np.ndarray]:
    """Logits and embeddings of the chunk's cells; their attention goes to the explanation."""
    config = bundle.model.config
    logits = np.empty((len(tokens), config.n_labels), np.float32)
    embedding = np.empty((len(tokens), config.d_model), np.float32)
    for rows, batch, output in run_batches(bundle.model, tokens, attention=True):
        logits[rows], embedding[rows] = output.logits.cpu().numpy(), output.embedding.cpu().numpy()
        explanation.add(logits[rows].argmax(1), batch, output)
    return logits, embedding
