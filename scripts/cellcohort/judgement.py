"""What held-out reference cells say about the model: calibration, metrics, and the embedded reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from .calibration import fit_temperature, probabilities
from .evaluation import expected_calibration_error
from .inference import predict_tokens
from .model import CellMemory
from .ood import Neighbours, fit_detector
from .splits import spread_sample
from .tables import vectors
from .tokens import TokenStore

MAX_EMBEDDED = 100_000  # reference cells whose embeddings the bundle keeps
CHUNK_CELLS = 8192


@dataclass(frozen=True)
class Calibration:
    """The files of the bundle that calibration writes.

    Attributes
    ----------
    calibration
        calibration.json: temperature and OOD detector.
    metrics
        metrics.json: quality on the held-out cells.
    labels
        In tables.LABELS.
    embedding
        Columns of tables.reference_embedding_schema.
    """

    calibration: dict[str, Any]
    metrics: dict[str, Any]
    labels: pd.DataFrame
    embedding: dict[str, Any]


def calibrate(model: CellMemory, store: TokenStore, *, alpha: float, seed: int) -> Calibration:
    """Embed the reference, fit temperature and OOD detector on its `validation` cells, and judge the model on them.

    Parameters
    ----------
    alpha
        Level at which the false-alarm rate on held-out cells is reported.
    """
    rows = spread_sample(store.cells, limit=MAX_EMBEDDED, seed=seed)
    cells = store.cells.iloc[rows].reset_index(drop=True)
    logits, embedding = _embed(model, store, rows)
    held_out = (cells["split"] == "validation").to_numpy()
    names = np.array(store.labels, object)
    targets = pd.Index(names).get_indexer(cells["label"])
    temperature = fit_temperature(logits[held_out], targets[held_out])
    neighbours = Neighbours(embedding[~held_out], cells["label"].to_numpy()[~held_out])
    predicted = names[logits[held_out].argmax(1)]
    detector = fit_detector(neighbours, embedding[held_out], logits[held_out], predicted)
    pvalues = detector.pvalue(detector.score(neighbours, embedding[held_out], logits[held_out]), predicted)
    metrics = _metrics(cells["label"].to_numpy()[held_out], probabilities(logits[held_out], temperature), names)
    metrics["ood_false_alarm_rate"] = float((pvalues <= alpha).mean())
    counts = store.cells["label"].value_counts().reindex(names)
    return Calibration(
        {"temperature": temperature, "ood": asdict(detector)},
        metrics,
        pd.DataFrame({"label_id": np.arange(len(names)), "label": names, "n_cells": counts.to_numpy()}),
        {name: cells[name] for name in ("cell_id", "label", "donor", "split")} | {"vector": vectors(embedding)},
    )


def _embed(model: CellMemory, store: TokenStore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts: Iterator = (
        predict_tokens(model, store.read(rows[start : start + CHUNK_CELLS]), "logits", "embedding")
        for start in range(0, len(rows), CHUNK_CELLS)
    )
    logits, embedding = zip(*parts, strict=True)
    return np.concatenate(logits), np.concatenate(embedding)


def _metrics(truth: np.ndarray, probability: np.ndarray, names: np.ndarray) -> dict[str, Any]:
    predicted = names[probability.argmax(1)]
    present = [name for name in names if (truth == name).any()]
    per_label = f1_score(truth, predicted, labels=present, average=None, zero_division=0)
    return {
        "n_cells": len(truth),
        "validation": {
            "accuracy": float(accuracy_score(truth, predicted)),
            "macro_f1": float(per_label.mean()),
            "ece": float(expected_calibration_error(probability.max(1), predicted == truth)),
        },
        "per_label": {
            name: {"f1": float(f1), "n_cells": int((truth == name).sum())}
            for name, f1 in zip(present, per_label, strict=True)
        },
        "confusion": {
            "labels": names.tolist(),
            "counts": confusion_matrix(truth, predicted, labels=names.tolist()).tolist(),
        },
    }
