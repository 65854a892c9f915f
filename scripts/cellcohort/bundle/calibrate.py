"""What reference cells say about the model: calibration, OOD detector, metrics, and the embedded reference."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file
from scipy import sparse
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from ..classifier.cross_fit import N_FOLDS, OutOfFold, assign_folds, cross_fit
from ..classifier.ensemble import READINGS, expected_calibration_error, fit_mix, probabilities
from ..classifier.platform_simulation import on_another_platform
from ..classifier.type_profiles import Profiles, fit_profiles
from ..core.errors import InputError
from ..core.files import atomic_path, checksum
from ..core.provenance import write_record
from ..model.inference import predict_tokens
from ..model.network import CellMemory
from ..model.token_store import TokenStore
from ..model.tokens import Tokens, bin_levels
from ..ood.detector import fit_detector
from ..outputs.parquet import vectors, write_table
from ..outputs.schemas import LABELS, reference_embedding_schema
from ..reference.splits import by_donor, in_random_order, spread_sample

MAX_TRAINING, MAX_HELD_OUT = 20_000, 10_000  # cells of either split that calibration reads and the bundle keeps
MAX_MOVED = 2_000  # held-out cells that are also read as another platform would give them
MIN_MOVED = 50  # of the other folds, below which no mix is fitted without a fold
CHUNK_CELLS = 8192


@dataclass(frozen=True)
class Calibration:
    """The files of the bundle that calibration writes.

    Attributes
    ----------
    calibration
        calibration.json: mix of the readings and OOD detector.
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
        """Write the files into the bundle's folder, where the model's weights are."""
        folder = Path(folder)
        weights = {"weights_sha256": checksum(folder / "weights.safetensors")}
        write_record(folder / "calibration.json", self.calibration | weights)
        write_record(folder / "metrics.json", self.metrics)
        write_table(folder / "labels.parquet", self.labels, LABELS)
        schema = reference_embedding_schema(self.embedding["vector"].type.list_size)
        write_table(folder / "reference_embedding.parquet", self.embedding, schema)
        with atomic_path(folder / "profiles.safetensors") as part:
            save_file({k: np.ascontiguousarray(v, np.float32) for k, v in asdict(self.profiles).items()}, part)


def calibrate(
    model: CellMemory, store: TokenStore, *, alpha: float, seed: int, workspace_alone: bool = False
) -> Calibration:
    """Embed the reference, fit mix, profiles and OOD detector, and judge the model.

    The detector is calibrated on all reference cells, each seen by profiles of the other folds (`crossfit`); the mix of
    the readings on the `validation` cells, as they are and as another platform would give them. What is judged was not
    fitted on the cells that judge it: both are fitted anew without each fold in turn.

    Parameters
    ----------
    alpha
        Level at which the false-alarm rate on reference cells is reported.
    workspace_alone
        Whether labels come from the workspace's logits alone.
    """
    names = np.array(store.labels, object)
    sizes = {"n_genes": model.config.n_genes, "n_bins": model.config.n_bins}
    rows, cells, levels = kept_levels(store, **sizes, seed=seed)
    codes = pd.Index(names).get_indexer(cells["label"])
    seen, without = cross_fit(levels, codes, assign_folds(cells, seed=seed), len(names))
    held_out = np.flatnonzero(seen.folds == 0)
    if not len(held_out) or 0 not in without:
        raise InputError(f"{store.path}: no reference cell could be held out. Give labels of several cells each.")
    logits, embedding = _run(model, store, rows)
    moved = in_random_order(cells["cell_id"].to_numpy()[held_out], seed=seed)[:MAX_MOVED]
    tokens = store.read(rows[held_out]).take(moved)
    n_readings = 1 if workspace_alone else len(READINGS)
    judges = _HeldOut(
        names,
        cells.iloc[held_out],
        codes[held_out],
        without[0].compare(levels[held_out]).readings(logits[held_out])[:n_readings],
        moved,
        read_cells(model, without[0], on_another_platform(tokens, **sizes, seed=seed))[:n_readings],
        seed,
    )
    types = store.cells.groupby("label")
    known = types.agg(n_cells=("label", "size"), coarse=("coarse", "first")).reindex(names)
    return Calibration(
        {"mix": judges.mix().tolist(), "ood": asdict(fit_detector(seen, names))},
        fit_profiles(levels, codes, len(names)),
        {"held_out": "donors" if by_donor(store.cells) else "cells"}
        | judges.metrics()
        | {"donors_by_label": types["donor"].nunique().to_dict()}
        | {"ood_false_alarm_rate": false_alarms(seen, names, alpha=alpha)},
        known.reset_index().assign(label_id=np.arange(len(names))),
        {name: cells[name] for name in ("cell_id", "label", "donor", "split")} | {"vector": vectors(embedding)},
    )


def kept_levels(
    store: TokenStore, *, n_genes: int, n_bins: int, seed: int
) -> tuple[np.ndarray, pd.DataFrame, sparse.csr_matrix]:
    """Rows of the store that calibration reads, these cells (as in `store.cells`), and their levels."""
    rows = kept_rows(store.cells, seed=seed)
    return rows, store.cells.iloc[rows].reset_index(drop=True), bin_levels(store.read(rows), n_genes, n_bins)


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


def false_alarms(seen: OutOfFold, names: np.ndarray, *, alpha: float) -> float | None:
    """Share of reference cells called OOD by a detector that was calibrated on the other folds; None if none is."""
    called = []
    for fold in np.unique(seen.folds[seen.judged]):
        cells = seen.judged & (seen.folds == fold)
        if (seen.judged & ~cells).any():
            detector = fit_detector(seen, names, ~cells)
            called.append(detector.pvalue(detector.score(seen.views[cells]), names[seen.types[cells]]) <= alpha)
    return float(np.concatenate(called).mean()) if called else None


def read_cells(model: CellMemory, profiles: Profiles, tokens: Tokens) -> np.ndarray:
    """The readings of n cells (calibration.READINGS), shape (3, n, n_labels)."""
    (logits,) = predict_tokens(model, tokens, "logits")
    return profiles.compare(bin_levels(tokens, model.config.n_genes, model.config.n_bins)).readings(logits)


@dataclass(frozen=True)
class _HeldOut:
    """The held-out cells with the readings of a model and profiles that have not seen them.

    `own` are the readings as they are, `other` those that another platform would give of the cells `moved`.
    """

    names: np.ndarray
    cells: pd.DataFrame
    targets: np.ndarray
    own: np.ndarray
    moved: np.ndarray
    other: np.ndarray
    seed: int

    def mix(self, chosen: np.ndarray | None = None) -> np.ndarray:
        """Weights of the readings by the cells at which `chosen` is true (all by default).

        Their ratios suit the other platform, so that a reading that is right only in this one gets little; their size,
        which decides how confident the probabilities are, suits both.
        """
        chosen = np.ones(len(self.targets), bool) if chosen is None else chosen
        moved = chosen[self.moved]
        targets, other = self.targets[self.moved[moved]], self.other[:, moved]
        weights = fit_mix(other, targets)
        logits = np.tensordot(weights, np.concatenate([self.own[:, chosen], other], axis=1), 1)
        return weights * fit_mix(logits[None], np.concatenate([self.targets[chosen], targets]))[0]

    def folds(self) -> np.ndarray:
        """Number of the fold of each cell: its donor where the others can judge it, or one of five at random."""
        donors = np.unique(self.cells["donor"].fillna("").to_numpy(str), return_inverse=True)[1]
        if len(self.moved) - np.bincount(donors[self.moved]).max() >= MIN_MOVED:
            return donors
        folds = np.empty(len(self.cells), int)
        folds[in_random_order(self.cells["cell_id"].to_numpy(), seed=self.seed)] = np.arange(len(folds)) % N_FOLDS
        return folds

    def confidence(self) -> np.ndarray:
        """Probabilities by the mix that the other folds fitted, shape (n, n_labels)."""
        confidence, folds = np.empty(self.own.shape[1:]), self.folds()
        for fold in np.unique(folds):
            confidence[folds == fold] = probabilities(self.own[:, folds == fold], self.mix(folds != fold))
        return confidence

    def metrics(self) -> dict[str, Any]:
        """The part of metrics.json that is about labels."""
        confidence = self.confidence()
        truth, predicted = self.names[self.targets], self.names[confidence.argmax(1)]
        present = [name for name in self.names if (truth == name).any()]
        f1 = f1_score(truth, predicted, labels=present, average=None, zero_division=0)
        return {
            "n_cells": len(self.cells),
            "n_donors": int(self.cells["donor"].nunique()),
            "validation": {
                "accuracy": float(accuracy_score(truth, predicted)),
                "macro_f1": float(f1.mean()),
                "ece": float(expected_calibration_error(confidence.max(1), predicted == truth)),
            },
            "per_label": {
                name: {"f1": float(value), "n_cells": int((truth == name).sum())}
                for name, value in zip(present, f1, strict=True)
            },
            "confusion": {
                "labels": self.names.tolist(),
                "counts": confusion_matrix(truth, predicted, labels=self.names.tolist()).tolist(),
            },
        }


def _run(model: CellMemory, store: TokenStore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and embeddings of `rows`."""
    parts = (
        predict_tokens(model, store.read(rows[start : start + CHUNK_CELLS]), "logits", "embedding")
        for start in range(0, len(rows), CHUNK_CELLS)
    )
    logits, embedding = zip(*parts, strict=True)
    return np.concatenate(logits), np.concatenate(embedding)
