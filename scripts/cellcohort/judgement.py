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
from .ood import Detector, Neighbours, fit_detector
from .splits import spread_sample
from .tables import vectors
from .tokens import TokenStore

MAX_EMBEDDED = 100_000  # training cells whose embeddings the bundle keeps, and held-out cells that judge the model
N_FOLDS = 5
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

    What is judged was not fitted on the cells that judge it: temperature and detector are fitted anew without each
    held-out donor in turn, or without a fifth of the cells where one donor or none was held out.

    Parameters
    ----------
    alpha
        Level at which the false-alarm rate on held-out cells is reported.
    """
    rows = kept_rows(store.cells, seed=seed)
    cells = store.cells.iloc[rows].reset_index(drop=True)
    logits, embedding = _embed(model, store, rows)
    held_out = (cells["split"] == "validation").to_numpy()
    neighbours = Neighbours(embedding[~held_out], cells["label"].to_numpy()[~held_out])
    judges = _HeldOut(neighbours, store.labels, cells[held_out], logits[held_out], embedding[held_out])
    temperature, detector = judges.fit(np.ones(len(judges), bool))
    counts = store.cells["label"].value_counts().reindex(store.labels)
    return Calibration(
        {"temperature": temperature, "ood": asdict(detector)},
        judges.metrics(alpha=alpha, by_donor=_by_donor(store.cells), seed=seed),
        pd.DataFrame({"label_id": np.arange(len(counts)), "label": store.labels, "n_cells": counts.to_numpy()}),
        {name: cells[name] for name in ("cell_id", "label", "donor", "split")} | {"vector": vectors(embedding)},
    )


def kept_rows(cells: pd.DataFrame, *, seed: int, limit: int = MAX_EMBEDDED) -> np.ndarray:
    """Rows of the store that calibration reads, ascending.

    Training cells are thinned so that rare labels are spared, held-out cells so that they keep their composition.
    """
    training = np.flatnonzero(cells["split"] == "train")
    held_out = np.flatnonzero(cells["split"] == "validation")
    training = training[spread_sample(cells.iloc[training], limit=limit, seed=seed)]
    if len(held_out) > limit:
        by_id = held_out[np.argsort(cells["cell_id"].to_numpy()[held_out], kind="stable")]
        held_out = np.random.default_rng(seed).choice(by_id, limit, replace=False)
    return np.sort(np.concatenate([training, held_out]))


def _by_donor(cells: pd.DataFrame) -> bool:
    """Whether no donor has cells in both splits."""
    donors = cells.groupby("split")["donor"].unique()
    return cells["donor"].notna().all() and not set(donors["train"]) & set(donors["validation"])


class _HeldOut:
    """The held-out cells with what the model says of them."""

    def __init__(self, neighbours: Neighbours, labels: list[str], cells: pd.DataFrame, logits, embedding):
        self.neighbours, self.logits, self.embedding = neighbours, logits, embedding
        self.names = np.array(labels, object)
        self.cells, self.truth = cells, cells["label"].to_numpy()
        self.predicted = self.names[logits.argmax(1)]

    def __len__(self) -> int:
        return len(self.cells)

    def fit(self, chosen: np.ndarray) -> tuple[float, Detector]:
        """Temperature and detector by the cells at which `chosen` is true."""
        targets = pd.Index(self.names).get_indexer(self.truth[chosen])
        detector = fit_detector(self.neighbours, self.embedding[chosen], self.logits[chosen], self.predicted[chosen])
        return fit_temperature(self.logits[chosen], targets), detector

    def folds(self, by_donor: bool, seed: int) -> np.ndarray:
        """Number of the fold of each cell: its donor, or one of five at random."""
        donors = self.cells["donor"].fillna("").to_numpy()
        if by_donor and len(np.unique(donors)) > 1:
            return np.unique(donors, return_inverse=True)[1]
        folds = np.empty(len(self), int)
        by_id = np.argsort(self.cells["cell_id"].to_numpy(), kind="stable")
        folds[np.random.default_rng(seed).permutation(by_id)] = np.arange(len(self)) % N_FOLDS
        return folds

    def metrics(self, *, alpha: float, by_donor: bool, seed: int) -> dict[str, Any]:
        """metrics.json; each fold is judged by what the other folds fitted."""
        confidence, pvalue = np.empty(len(self)), np.empty(len(self))
        folds = self.folds(by_donor, seed)
        for fold in np.unique(folds):
            cells = folds == fold
            temperature, detector = self.fit(~cells)
            confidence[cells] = probabilities(self.logits[cells], temperature).max(1)
            score = detector.score(self.neighbours, self.embedding[cells], self.logits[cells])
            pvalue[cells] = detector.pvalue(score, self.predicted[cells])
        present = [name for name in self.names if (self.truth == name).any()]
        f1 = f1_score(self.truth, self.predicted, labels=present, average=None, zero_division=0)
        return {
            "n_cells": len(self),
            "held_out": "donors" if by_donor else "cells",
            "n_donors": int(self.cells["donor"].nunique()),
            "validation": {
                "accuracy": float(accuracy_score(self.truth, self.predicted)),
                "macro_f1": float(f1.mean()),
                "ece": float(expected_calibration_error(confidence, self.predicted == self.truth)),
            },
            "per_label": {
                name: {"f1": float(value), "n_cells": int((self.truth == name).sum())}
                for name, value in zip(present, f1, strict=True)
            },
            "confusion": {
                "labels": self.names.tolist(),
                "counts": confusion_matrix(self.truth, self.predicted, labels=self.names.tolist()).tolist(),
            },
            "ood_false_alarm_rate": float((pvalue <= alpha).mean()),
        }


def _embed(model: CellMemory, store: TokenStore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts: Iterator = (
        predict_tokens(model, store.read(rows[start : start + CHUNK_CELLS]), "logits", "embedding")
        for start in range(0, len(rows), CHUNK_CELLS)
    )
    logits, embedding = zip(*parts, strict=True)
    return np.concatenate(logits), np.concatenate(embedding)
