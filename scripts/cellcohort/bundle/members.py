"""The ensemble's members beside the network, its weights and the OOD detector, fitted to reference cells.

Fitted once for all genes when the model is calibrated, and again for the genes of a sample that lacks many of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save

from ..classifier.cross_fit import NONE, OutOfFold, assign_folds, cross_fit, groups_of
from ..classifier.ensemble import MEMBERS
from ..classifier.platform_simulation import simulate_platform
from ..classifier.type_profiles import Profiles, fit_profiles
from ..core.errors import InputError
from ..core.files import write_bytes
from ..model.inference import predict_tokens
from ..model.presets import Network
from ..model.token_store import TokenStore
from ..model.tokens import Tokens, scale_bins
from ..ood.detector import Detector, fit_detector
from ..ood.neighbourhoods import averaged, n_averaged, nearest_in_groups
from ..reference.splits import in_random_order
from .calibration_cells import calibration_cells
from .held_out import HeldOut

ALPHAS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # levels at which false alarms are told
MAX_SIMULATED = 2_000  # held-out cells that are also simulated on another platform


@dataclass(frozen=True)
class Members:
    """What is fitted beside the network, and on which n cells.

    Attributes
    ----------
    rows, cells
        Rows of the store, and these cells as in `TokenStore.cells`.
    out_of_fold
        The cells compared with profiles that do not know their fold.
    neighbours, groups
        Each cell's nearest in its group, shape (n, neighbourhoods.MOST), and the number of that group, shape (n,).
    held_out
        Those of the `validation` split.
    profiles
        The types gene by gene, by all cells.
    """

    rows: np.ndarray
    cells: pd.DataFrame
    out_of_fold: OutOfFold
    neighbours: np.ndarray
    groups: np.ndarray
    held_out: HeldOut
    profiles: Profiles

    @property
    def detector(self) -> Detector:
        """The OOD detector."""
        return fit_detector(self.out_of_fold, self.neighbours, len(self.held_out.names))

    def calibration(self) -> dict[str, Any]:
        """Of calibration.json: weights of the ensemble (`mix`), limits of `label_sets`, OOD detector (`ood`)."""
        label_sets = self.held_out.limits().tolist()
        return {"mix": self.held_out.weights().tolist(), "label_sets": label_sets, "ood": asdict(self.detector)}


def fit_members(
    held_out_model: Network,
    store: TokenStore,
    names: np.ndarray,
    *,
    seed: int,
    network_alone: bool = False,
    unmeasured: np.ndarray = NONE,
) -> Members:
    """Fit the members.

    Parameters
    ----------
    held_out_model
        The network, which has not seen the cells of the `validation` split.
    names
        The labels in the order of the model.
    network_alone
        Whether labels come from the network's logits alone.
    unmeasured
        Token ids of genes that count as unknown; the store has none of them.
    """
    sizes = sizes_of(held_out_model)
    rows, cells, scaled_bins = calibration_cells(store, **sizes, seed=seed)
    codes = pd.Index(names).get_indexer(cells["label"])
    folds = assign_folds(cells, seed=seed)
    out_of_fold, profiles_without_fold = cross_fit(scaled_bins, codes, folds, len(names), unmeasured=unmeasured)
    groups = np.where(out_of_fold.scored, groups_of(cells, folds), -1)
    chosen = np.flatnonzero(out_of_fold.folds == 0)
    if not len(chosen) or 0 not in profiles_without_fold:
        raise InputError(f"{store.path}: no reference cell could be held out. Give labels of several cells each.")
    tokens, profiles = store.read(rows[chosen]), profiles_without_fold[0]
    measured = predict_members(held_out_model, profiles, tokens)
    simulated_rows = in_random_order(cells["cell_id"].to_numpy()[chosen], seed=seed)[:MAX_SIMULATED]
    by_value = held_out_model.config.bins_by_value
    elsewhere = simulate_platform(tokens.take(simulated_rows), **sizes, seed=seed, by_value=by_value)
    simulated = predict_members(held_out_model, profiles, elsewhere)
    members = slice(1 if network_alone else len(MEMBERS))
    held_out = HeldOut(
        names, cells.iloc[chosen], codes[chosen], measured[members], simulated_rows, simulated[members], seed
    )
    neighbours = nearest_in_groups(scaled_bins, groups)
    whole = fit_profiles(scaled_bins, codes, len(names)).without(unmeasured)
    return Members(rows, cells, out_of_fold, neighbours, groups, held_out, whole)


def false_alarm_rates(
    out_of_fold: OutOfFold, neighbours: np.ndarray, groups: np.ndarray, n_labels: int
) -> dict[str, list[float]] | None:
    """Shares (`rate`) of reference cells called OOD at the levels `alpha` by a detector that was calibrated on the
    other folds; None if none is.

    Each group is judged as a sample without a shift.

    Parameters
    ----------
    neighbours, groups
        Each cell's nearest in its group, shape (n, neighbourhoods.MOST), and the number of that group, shape (n,).
    """
    scored, found = out_of_fold.scored, []
    for group in np.unique(groups[scored]):
        cells = scored & (groups == group)
        others = scored & (out_of_fold.folds != out_of_fold.folds[cells][0])
        if others.any():
            detector = fit_detector(out_of_fold, neighbours, n_labels, others)
            k = n_averaged(int(cells.sum()))
            values = averaged(detector.score(out_of_fold.ood_components), neighbours[cells, :k])
            found.append(detector.null.pvalue(values, out_of_fold.types[cells], k))
    if not found:
        return None
    pvalues = np.concatenate(found)
    return {"alpha": list(ALPHAS), "rate": [float((pvalues <= alpha).mean()) for alpha in ALPHAS]}


def predict_members(model: Network, profiles: Profiles, tokens: Tokens) -> np.ndarray:
    """Logits of the ensemble's members (`ensemble.MEMBERS`) for n cells, shape (3, n, n_labels)."""
    (logits,) = predict_tokens(model, tokens, "logits")
    return profiles.compare(scale_bins(tokens, **sizes_of(model))).member_logits(logits)


def sizes_of(model: Network) -> dict[str, int]:
    """Numbers of genes and of bins of the model."""
    return {"n_genes": model.config.n_genes, "n_bins": model.config.n_bins}


def write_profiles(path: str | Path, profiles: Profiles) -> None:
    """Write profiles.safetensors."""
    write_bytes(path, save({k: np.ascontiguousarray(v, np.float32) for k, v in asdict(profiles).items()}))
