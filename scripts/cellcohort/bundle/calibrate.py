"""Calibration of a trained model on reference cells: ensemble weights, type profiles, OOD detector and metrics."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..classifier.type_profiles import Profiles
from ..core.files import checksum
from ..core.provenance import write_record
from ..model.additive import AdditiveWorkspace
from ..model.additive_start import take_held_out_cells
from ..model.inference import predict_tokens
from ..model.linear import LinearModels
from ..model.presets import Network, network_name
from ..model.slot_stability import slot_stability
from ..model.token_store import TokenStore, part_of_store, write_store
from ..model.tokens import Tokens
from ..outputs.parquet import vectors, write_table
from ..outputs.schemas import LABELS, reference_embedding_schema
from ..reference.splits import by_donor, n_donors
from .members import false_alarm_rates, fit_members, write_profiles
from .model_bundle import bundle_paths

CHUNK_CELLS = 8192


@dataclass(frozen=True)
class Calibration:
    """The files of the bundle that calibration writes.

    Attributes
    ----------
    calibration
        calibration.json: which network it is, stability of its slots, weights of the ensemble (`mix`), limits of the
        label sets (`label_sets`) and OOD detector (`ood`).
    profiles
        profiles.safetensors: the types gene by gene.
    metrics
        metrics.json: quality on reference cells that were held out.
    labels
        labels.parquet, as in schemas.LABELS.
    reference_embedding
        reference_embedding.parquet, columns of schemas.reference_embedding_schema.
    reference_tokens
        reference_tokens.arrow, a token store of the same cells in shards: what is fitted anew to the genes of a sample
        that lacks many (`fitted_genes`).
    """

    calibration: dict[str, Any]
    profiles: Profiles
    metrics: dict[str, Any]
    labels: pd.DataFrame
    reference_embedding: dict[str, Any]
    reference_tokens: Iterable[tuple[Tokens, pd.DataFrame]]

    def write(
        self,
        *,
        weights: str | Path,
        calibration: str | Path,
        profiles: str | Path,
        metrics: str | Path,
        labels: str | Path,
        reference_embedding: str | Path,
        reference_tokens: str | Path,
    ) -> None:
        """Write each file to the path of its name; `weights` is the file that was calibrated, and is only read."""
        write_record(calibration, self.calibration | {"weights_sha256": checksum(weights)})
        write_record(metrics, self.metrics)
        write_table(labels, self.labels, LABELS)
        schema = reference_embedding_schema(self.reference_embedding["vector"].type.list_size)
        write_table(reference_embedding, self.reference_embedding, schema)
        write_profiles(profiles, self.profiles)
        write_store(reference_tokens, self.reference_tokens)

    def write_into(self, folder: str | Path) -> None:
        """Write the files into the folder of a bundle that holds its weights."""
        paths = bundle_paths(folder)
        self.write(**{name: paths[name] for name in ("weights", *(field.name for field in fields(self)))})


def calibrate(
    model: Network,
    store: TokenStore,
    linear_models: LinearModels | None = None,
    *,
    seed: int,
    network_alone: bool = False,
) -> Calibration:
    """Embed the reference, fit ensemble weights, profiles and OOD detector, and evaluate the model.

    The detector is calibrated on all reference cells, each scored by profiles of the other folds (`cross_fit`); the
    weights of the ensemble on the `validation` cells, as measured and as simulated on another platform. The metrics are
    of cells on which nothing that they evaluate was fitted: weights and detector are fitted anew without each fold in
    turn.

    Parameters
    ----------
    linear_models
        By which the model was given the cells of the `validation` split (`training.Trained`); None if it was not.
    network_alone
        Whether labels come from the network's logits alone.
    """
    names = np.array(store.labels, object)
    held_out_model = _without_held_out_cells(model, linear_models)
    fit = fit_members(held_out_model, store, names, seed=seed, network_alone=network_alone)
    false_alarms = false_alarm_rates(fit.out_of_fold, fit.neighbours, fit.groups, len(names))
    return Calibration(
        {"network": network_name(model.config), "slot_stability": _slot_stability(model, store, seed=seed)}
        | fit.calibration(),
        fit.profiles,
        {"held_out": "donors" if by_donor(store.cells) else "cells"}
        | fit.held_out.metrics()
        | {"donors_by_label": store.cells.groupby("label")["donor"].agg(n_donors).to_dict()}
        | {"ood_false_alarms": false_alarms},
        _labels(store.cells, names),
        {name: fit.cells[name] for name in ("cell_id", "label", "donor", "split")}
        | {"vector": vectors(_embed(model, store, fit.rows))},
        part_of_store(store, fit.rows),
    )


def _without_held_out_cells(model: Network, linear_models: LinearModels | None) -> Network:
    """The model as it was before it was given the cells of the `validation` split."""
    if linear_models is None:
        return model
    held_out_model = deepcopy(model)
    assert isinstance(held_out_model, AdditiveWorkspace)
    take_held_out_cells(held_out_model, linear_models)
    return held_out_model


def _slot_stability(model: Network, store: TokenStore, *, seed: int) -> list[float] | None:
    return slot_stability(model, store, seed=seed).tolist() if isinstance(model, AdditiveWorkspace) else None


def _labels(cells: pd.DataFrame, names: np.ndarray) -> pd.DataFrame:
    """The labels `names` in the order of the model, with the cells that the reference has of each (schemas.LABELS)."""
    known = cells.groupby("label").agg(n_cells=("label", "size"), coarse=("coarse", "first")).reindex(names)
    return known.reset_index().assign(label_id=np.arange(len(names)))


def _embed(model: Network, store: TokenStore, rows: np.ndarray) -> np.ndarray:
    """Embeddings of `rows`."""
    parts = (store.read(rows[start : start + CHUNK_CELLS]) for start in range(0, len(rows), CHUNK_CELLS))
    return np.concatenate([predict_tokens(model, tokens, "embedding")[0] for tokens in parts])
