"""What reference cells say about the model: calibration, OOD detector, metrics, and the embedded reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from .calibration import fit_temperature, probabilities
from .crossfit import OutOfFold, assign_folds, cross_fit
from .direct import bin_levels
from .evaluation import expected_calibration_error
from .files import atomic_path, write_json
from .inference import predict_tokens
from .model import CellMemory
from .ood import fit_detector
from .profiles import Profiles
from .splits import by_donor, spread_sample
from .tables import LABELS, reference_embedding_schema, vectors, write_table
from .tokens import TokenStore

MAX_TRAINING, MAX_HELD_OUT = 20_000, 10_000  # cells of either split that calibration reads and the bundle keeps
N_FOLDS = 5
CHUNK_CELLS = 8192


@dataclass(frozen=True)
class Calibration:
    """The files of the bundle that calibration writes.

    Attributes
    ----------
    calibration
        calibration.json: temperature and OOD detector.
    profiles
        profiles.safetensors: the types gene by gene.
    metrics
        metrics.json: quality on reference cells that were held out.
    labels
        In tables.LABELS.
    embedding
        Columns of tables.reference_embedding_schema.
    """

    calibration: dict[str, Any]
    profiles: Profiles
    metrics: dict[str, Any]
    labels: pd.DataFrame
    embedding: dict[str, Any]

    def write(self, folder: str | Path) -> None:
        """Write the files into the bundle's folder."""
        folder = Path(folder)
        write_json(folder / "calibration.json", self.calibration)
        write_json(folder / "metrics.json", self.metrics)
        write_table(folder / "labels.parquet", self.labels, LABELS)
        schema = reference_embedding_schema(self.embedding["vector"].type.list_size)
        write_table(folder / "reference_embedding.parquet", self.embedding, schema)
        with atomic_path(folder / "profiles.safetensors") as part:
            save_file({k: np.ascontiguousarray(v, np.float32) for k, v in asdict(self.profiles).items()}, part)


def calibrate(model: CellMemory, store: TokenStore, *, alpha: float, seed: int) -> Calibration:
    """Embed the reference, fit temperature, profiles and OOD detector, and judge the model.

    The detector is calibrated on all reference cells, each seen by profiles of the other folds (`crossfit`); the
    temperature on the `validation` cells. What is judged was not fitted on the cells that judge it: both are fitted
    anew without each fold in turn.

    Parameters
    ----------
    alpha
        Level at which the false-alarm rate on held-out cells is reported.
    """
    config, names = model.config, np.array(store.labels, object)
    rows = kept_rows(store.cells, seed=seed)
    cells = store.cells.iloc[rows].reset_index(drop=True)
    codes = pd.Index(names).get_indexer(cells["label"])
    levels = bin_levels(store.read(rows), config.n_genes, config.n_bins)
    profiles, seen = cross_fit(levels, codes, assign_folds(cells, seed=seed), len(names))
    logits, embedding = _embed(model, store, rows)
    held_out = np.flatnonzero(seen.folds == 0)
    if model.direct is not None:  # which has seen all cells; the evidence without the held-out ones is the same path
        mix = model.mix.tolist()
        logits = mix[0] * logits + mix[1] * np.nan_to_num(seen.evidence)
    judges = _HeldOut(names, cells.iloc[held_out], logits[held_out], codes[held_out])
    counts = store.cells["label"].value_counts().reindex(names)
    return Calibration(
        {"temperature": judges.temperature(), "ood": asdict(fit_detector(seen, names))},
        profiles,
        {"held_out": "donors" if by_donor(store.cells) else "cells"}
        | judges.metrics(seed=seed)
        | {"ood_false_alarm_rate": false_alarms(seen, names, alpha=alpha)},
        pd.DataFrame({"label_id": np.arange(len(counts)), "label": names, "n_cells": counts.to_numpy()}),
        {name: cells[name] for name in ("cell_id", "label", "donor", "split")} | {"vector": vectors(embedding)},
    )


def kept_rows(cells: pd.DataFrame, *, seed: int) -> np.ndarray:
    """Rows of the store that calibration reads, ascending.

    Training cells are thinned so that rare labels are spared, held-out cells so that they keep their composition.
    """
    training = np.flatnonzero(cells["split"] == "train")
    held_out = np.flatnonzero(cells["split"] == "validation")
    training = training[spread_sample(cells.iloc[training], limit=MAX_TRAINING, seed=seed)]
    if len(held_out) > MAX_HELD_OUT:
        by_id = held_out[np.argsort(cells["cell_id"].to_numpy()[held_out], kind="stable")]
        held_out = np.random.default_rng(seed).choice(by_id, MAX_HELD_OUT, replace=False)
    return np.sort(np.concatenate([training, held_out]))


def false_alarms(seen: OutOfFold, names: np.ndarray, *, alpha: float) -> float:
    """Share of reference cells called OOD by a detector that was calibrated on the other folds."""
    called = []
    for fold in np.unique(seen.folds[seen.judged]):
        cells = seen.judged & (seen.folds == fold)
        if (seen.judged & ~cells).any():
            detector = fit_detector(seen, names, ~cells)
            called.append(detector.pvalue(detector.score(seen.views[cells]), names[seen.types[cells]]) <= alpha)
    return float(np.concatenate(called).mean()) if called else float("nan")


class _HeldOut:
    """The held-out cells with the logits of a model that has not seen them."""

    def __init__(self, names: np.ndarray, cells: pd.DataFrame, logits: np.ndarray, targets: np.ndarray):
        self.names, self.cells, self.logits, self.targets = names, cells, logits, targets
        self.truth, self.predicted = names[targets], names[logits.argmax(1)]

    def temperature(self) -> float:
        return fit_temperature(self.logits, self.targets)

    def folds(self, seed: int) -> np.ndarray:
        """Number of the fold of each cell: its donor where there are several, or one of five at random."""
        donors = self.cells["donor"].fillna("").to_numpy()
        if len(np.unique(donors)) > 1:
            return np.unique(donors, return_inverse=True)[1]
        folds = np.empty(len(self.cells), int)
        by_id = np.argsort(self.cells["cell_id"].to_numpy(), kind="stable")
        folds[np.random.default_rng(seed).permutation(by_id)] = np.arange(len(folds)) % N_FOLDS
        return folds

    def confidence(self, seed: int) -> np.ndarray:
        """Confidence in the label given, by the temperature that the other folds fitted."""
        confidence, folds = np.empty(len(self.cells)), self.folds(seed)
        for fold in np.unique(folds):
            cells = folds == fold
            temperature = fit_temperature(self.logits[~cells], self.targets[~cells])
            confidence[cells] = probabilities(self.logits[cells], temperature).max(1)
        return confidence

    def metrics(self, *, seed: int) -> dict[str, Any]:
        """The part of metrics.json that is about labels."""
        present = [name for name in self.names if (self.truth == name).any()]
        f1 = f1_score(self.truth, self.predicted, labels=present, average=None, zero_division=0)
        return {
            "n_cells": len(self.cells),
            "n_donors": int(self.cells["donor"].nunique()),
            "validation": {
                "accuracy": float(accuracy_score(self.truth, self.predicted)),
                "macro_f1": float(f1.mean()),
                "ece": float(expected_calibration_error(self.confidence(seed), self.predicted == self.truth)),
            },
            "per_label": {
                name: {"f1": float(value), "n_cells": int((self.truth == name).sum())}
                for name, value in zip(present, f1, strict=True)
            },
            "confusion": {
                "labels": self.names.tolist(),
                "counts": confusion_matrix(self.truth, self.predicted, labels=self.names.tolist()).tolist(),
            },
        }


def _embed(model: CellMemory, store: TokenStore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The workspace's logits and the embeddings of `rows`."""
    parts: Iterator = (
        predict_tokens(model, store.read(rows[start : start + CHUNK_CELLS]), "workspace", "embedding")
        for start in range(0, len(rows), CHUNK_CELLS)
    )
    logits, embedding = zip(*parts, strict=True)
    return np.concatenate(logits), np.concatenate(embedding)
