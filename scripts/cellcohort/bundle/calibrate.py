"""Calibration of a trained model on reference cells: ensemble weights, type profiles, OOD detector and metrics."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save
from scipy import sparse
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from ..classifier.calibration_error import expected_calibration_error
from ..classifier.cross_fit import N_FOLDS, OutOfFold, assign_folds, cross_fit, groups_of
from ..classifier.ensemble import MEMBERS, fit_weights, probabilities
from ..classifier.platform_simulation import simulate_platform
from ..classifier.type_profiles import Profiles, fit_profiles
from ..core.errors import InputError
from ..core.files import checksum, write_bytes
from ..core.provenance import write_record
from ..model.additive import AdditiveWorkspace
from ..model.additive_start import give_held_out_cells
from ..model.inference import predict_tokens
from ..model.presets import Network, network_name
from ..model.temperature import fit_size
from ..model.token_store import TokenStore
from ..model.tokens import Tokens, scale_bins
from ..ood.detector import fit_detector
from ..ood.neighbourhoods import averaged, n_averaged, nearest_in_groups
from ..outputs.parquet import vectors, write_table
from ..outputs.schemas import LABELS, reference_embedding_schema
from ..reference.splits import by_donor, in_random_order, spread_sample
from .model_bundle import bundle_paths

MAX_TRAINING, MAX_HELD_OUT = 20_000, 10_000  # cells of either split that calibration reads and the bundle keeps
MAX_SIMULATED = 2_000  # held-out cells that are also simulated on another platform
MIN_SIMULATED = 50  # of the other folds, below which no weights are fitted without a fold
CHUNK_CELLS = 8192


@dataclass(frozen=True)
class Calibration:
    """The files of the bundle that calibration writes.

    Attributes
    ----------
    calibration
        calibration.json: which network it is, weights of the ensemble (`mix`) and OOD detector (`ood`).
    profiles
        profiles.safetensors: the types gene by gene.
    metrics
        metrics.json: quality on reference cells that were held out.
    labels
        labels.parquet, as in schemas.LABELS.
    reference_embedding
        reference_embedding.parquet, columns of schemas.reference_embedding_schema.
    """

    calibration: dict[str, Any]
    profiles: Profiles
    metrics: dict[str, Any]
    labels: pd.DataFrame
    reference_embedding: dict[str, Any]

    def write(
        self,
        *,
        weights: str | Path,
        calibration: str | Path,
        profiles: str | Path,
        metrics: str | Path,
        labels: str | Path,
        reference_embedding: str | Path,
    ) -> None:
        """Write each file to the path of its name; `weights` is the file that was calibrated, and is only read."""
        write_record(calibration, self.calibration | {"weights_sha256": checksum(weights)})
        write_record(metrics, self.metrics)
        write_table(labels, self.labels, LABELS)
        schema = reference_embedding_schema(self.reference_embedding["vector"].type.list_size)
        write_table(reference_embedding, self.reference_embedding, schema)
        write_bytes(profiles, save({k: np.ascontiguousarray(v, np.float32) for k, v in asdict(self.profiles).items()}))

    def write_into(self, folder: str | Path) -> None:
        """Write the files into the folder of a bundle that holds its weights."""
        paths = bundle_paths(folder)
        self.write(**{name: paths[name] for name in ("weights", *(field.name for field in fields(self)))})


def calibrate(
    model: Network, store: TokenStore, *, alpha: float, seed: int, network_alone: bool = False
) -> Calibration:
    """Embed the reference, fit ensemble weights, profiles and OOD detector, and evaluate the model.

    The detector is calibrated on all reference cells, each scored by profiles of the other folds (`cross_fit`); the
    weights of the ensemble on the `validation` cells, as measured and as simulated on another platform. The metrics are
    of cells on which nothing that they evaluate was fitted: weights and detector are fitted anew without each fold in
    turn.

    Parameters
    ----------
    alpha
        Level at which the false-alarm rate on reference cells is reported.
    network_alone
        Whether labels come from the network's logits alone.
    """
    names = np.array(store.labels, object)
    rows, cells, scaled_bins = calibration_cells(store, **_sizes(model), seed=seed)
    codes = pd.Index(names).get_indexer(cells["label"])
    folds = assign_folds(cells, seed=seed)
    out_of_fold, profiles_without_fold = cross_fit(scaled_bins, codes, folds, len(names))
    groups = np.where(out_of_fold.scored, groups_of(cells, folds), -1)
    neighbours = nearest_in_groups(scaled_bins, groups)
    chosen = np.flatnonzero(out_of_fold.folds == 0)
    if not len(chosen) or 0 not in profiles_without_fold:
        raise InputError(f"{store.path}: no reference cell could be held out. Give labels of several cells each.")
    profiles = profiles_without_fold[0]
    held_out_model = _without_held_out_cells(model, store, seed=seed)
    (logits,) = predict_tokens(held_out_model, store.read(rows[chosen]), "logits")
    measured = profiles.compare(scaled_bins[chosen]).member_logits(logits)
    simulated_rows = in_random_order(cells["cell_id"].to_numpy()[chosen], seed=seed)[:MAX_SIMULATED]
    tokens = simulate_platform(store.read(rows[chosen]).take(simulated_rows), **_sizes(model), seed=seed)
    simulated = predict_members(held_out_model, profiles, tokens)
    members = slice(1 if network_alone else len(MEMBERS))
    held_out = _HeldOut(
        names, cells.iloc[chosen], codes[chosen], measured[members], simulated_rows, simulated[members], seed
    )
    return Calibration(
        {
            "network": network_name(model.config),
            "mix": held_out.weights().tolist(),
            "ood": asdict(fit_detector(out_of_fold, neighbours, len(names))),
        },
        fit_profiles(scaled_bins, codes, len(names)),
        {"held_out": "donors" if by_donor(store.cells) else "cells"}
        | held_out.metrics()
        | {"donors_by_label": store.cells.groupby("label")["donor"].nunique().to_dict()}
        | {"ood_false_alarm_rate": false_alarm_rate(out_of_fold, neighbours, groups, len(names), alpha=alpha)},
        _labels(store.cells, names),
        {name: cells[name] for name in ("cell_id", "label", "donor", "split")}
        | {"vector": vectors(_embed(model, store, rows))},
    )


def _without_held_out_cells(model: Network, store: TokenStore, *, seed: int) -> Network:
    """The model as it was before it was given the cells of the `validation` split."""
    if not isinstance(model, AdditiveWorkspace):
        return model
    codes = pd.Index(store.labels).get_indexer(store.cells["label"])
    held_out_model = deepcopy(model)
    give_held_out_cells(held_out_model, store, codes, seed=seed, back=True)
    return held_out_model


def _sizes(model: Network) -> dict[str, int]:
    return {"n_genes": model.config.n_genes, "n_bins": model.config.n_bins}


def _labels(cells: pd.DataFrame, names: np.ndarray) -> pd.DataFrame:
    """The labels `names` in the order of the model, with the cells that the reference has of each (schemas.LABELS)."""
    known = cells.groupby("label").agg(n_cells=("label", "size"), coarse=("coarse", "first")).reindex(names)
    return known.reset_index().assign(label_id=np.arange(len(names)))


def calibration_cells(
    store: TokenStore, *, n_genes: int, n_bins: int, seed: int
) -> tuple[np.ndarray, pd.DataFrame, sparse.csr_matrix]:
    """Rows of the store that calibration reads, these cells (as in `store.cells`), and their scaled bins."""
    rows = calibration_rows(store.cells, seed=seed)
    return rows, store.cells.iloc[rows].reset_index(drop=True), scale_bins(store.read(rows), n_genes, n_bins)


def calibration_rows(cells: pd.DataFrame, *, seed: int) -> np.ndarray:
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


def false_alarm_rate(
    out_of_fold: OutOfFold, neighbours: np.ndarray, groups: np.ndarray, n_labels: int, *, alpha: float
) -> float | None:
    """Share of reference cells called OOD by a detector that was calibrated on the other folds; None if none is.

    Each group is judged as a sample without a shift.

    Parameters
    ----------
    neighbours, groups
        Each cell's nearest in its group, shape (n, neighbourhoods.MOST), and the number of that group, shape (n,).
    """
    scored, called = out_of_fold.scored, []
    for group in np.unique(groups[scored]):
        cells = scored & (groups == group)
        others = scored & (out_of_fold.folds != out_of_fold.folds[cells][0])
        if others.any():
            detector = fit_detector(out_of_fold, neighbours, n_labels, others)
            k = n_averaged(int(cells.sum()))
            values = averaged(detector.score(out_of_fold.ood_components), neighbours[cells, :k])
            called.append(detector.null.pvalue(values, out_of_fold.types[cells], k) <= alpha)
    return float(np.concatenate(called).mean()) if called else None


def predict_members(model: Network, profiles: Profiles, tokens: Tokens) -> np.ndarray:
    """Logits of the ensemble's members (`ensemble.MEMBERS`) for n cells, shape (3, n, n_labels)."""
    (logits,) = predict_tokens(model, tokens, "logits")
    return profiles.compare(scale_bins(tokens, **_sizes(model))).member_logits(logits)


@dataclass(frozen=True)
class _HeldOut:
    """n held-out cells with the logits of m ensemble members that have not seen them.

    Attributes
    ----------
    names, cells, targets
        The L labels; the cells' rows of the store's table; their label numbers, shape (n,).
    measured_logits
        Of the cells as they were measured, shape (m, n, L).
    simulated_rows, simulated_logits
        Which of the cells were simulated on another platform, shape (s,), and their logits there, shape (m, s, L).
    """

    names: np.ndarray
    cells: pd.DataFrame
    targets: np.ndarray
    measured_logits: np.ndarray
    simulated_rows: np.ndarray
    simulated_logits: np.ndarray
    seed: int

    def weights(self, chosen: np.ndarray | None = None) -> np.ndarray:
        """Weights of the ensemble's members by the cells at which `chosen` is true (all by default).

        Their ratios suit the simulated platform, so that a member that is right only on the measured one gets little;
        their size, which decides how confident the probabilities are, suits both.
        """
        chosen = np.ones(len(self.targets), bool) if chosen is None else chosen
        simulated = chosen[self.simulated_rows]
        targets, logits = self.targets[self.simulated_rows[simulated]], self.simulated_logits[:, simulated]
        ratios = fit_weights(logits, targets)
        both = np.tensordot(ratios, np.concatenate([self.measured_logits[:, chosen], logits], axis=1), 1)
        return ratios * fit_size(both, np.concatenate([self.targets[chosen], targets]))

    def folds(self) -> np.ndarray:
        """Number of the fold of each cell: its donor where the others are enough to fit weights, or one of five."""
        donors = np.unique(self.cells["donor"].fillna("").to_numpy(str), return_inverse=True)[1]
        if len(self.simulated_rows) - np.bincount(donors[self.simulated_rows]).max() >= MIN_SIMULATED:
            return donors
        folds = np.empty(len(self.cells), int)
        folds[in_random_order(self.cells["cell_id"].to_numpy(), seed=self.seed)] = np.arange(len(folds)) % N_FOLDS
        return folds

    def confidence(self) -> np.ndarray:
        """Probabilities by the weights that the other folds fitted, shape (n, n_labels)."""
        confidence, folds = np.empty(self.measured_logits.shape[1:]), self.folds()
        for fold in np.unique(folds):
            cells = folds == fold
            confidence[cells] = probabilities(self.measured_logits[:, cells], self.weights(~cells))
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


def _embed(model: Network, store: TokenStore, rows: np.ndarray) -> np.ndarray:
    """Embeddings of `rows`."""
    parts = (store.read(rows[start : start + CHUNK_CELLS]) for start in range(0, len(rows), CHUNK_CELLS))
    return np.concatenate([predict_tokens(model, tokens, "embedding")[0] for tokens in parts])
