"""Held-out reference cells: the ensemble's weights are fitted on them, and its quality is measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from ..classifier.calibration_error import expected_calibration_error
from ..classifier.cross_fit import N_FOLDS
from ..classifier.ensemble import fit_weights, probabilities
from ..classifier.label_sets import COVERAGES, fit_limits, needed_coverage
from ..model.temperature import fit_size
from ..reference.splits import in_random_order, n_donors

MIN_SIMULATED = 50  # of the other folds, below which no weights are fitted without a fold


@dataclass(frozen=True)
class HeldOut:
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

    @cached_property
    def weights_without(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each fold its cells, bool, shape (n,), and the weights that the others fitted, shape (m,)."""
        folds = self.folds()
        parts = [folds == fold for fold in np.unique(folds)]
        return [(cells, self.weights(~cells)) for cells in parts]

    def confidence(self) -> np.ndarray:
        """Probabilities by the weights that the other folds fitted, shape (n, n_labels)."""
        confidence = np.empty(self.measured_logits.shape[1:])
        for cells, weights in self.weights_without:
            confidence[cells] = probabilities(self.measured_logits[:, cells], weights)
        return confidence

    def limits(self) -> np.ndarray:
        """Limits of the label sets (`label_sets.fit_limits`)."""
        return fit_limits(self.confidence(), self.targets)

    def needed_coverage(self) -> np.ndarray:
        """`label_sets.needed_coverage` by weights and limits that the other folds fitted, shape (n, n_labels)."""
        needed = np.empty(self.measured_logits.shape[1:])
        for cells, weights in self.weights_without:
            probability = probabilities(self.measured_logits, weights)
            limits = fit_limits(probability[~cells], self.targets[~cells])
            needed[cells] = needed_coverage(probability[cells], limits)
        return needed

    def metrics(self) -> dict[str, Any]:
        """The part of metrics.json that is about labels."""
        confidence = self.confidence()
        truth, predicted = self.names[self.targets], self.names[confidence.argmax(1)]
        present = [name for name in self.names if (truth == name).any()]
        f1 = f1_score(truth, predicted, labels=present, average=None, zero_division=0)
        return {
            "n_cells": len(self.cells),
            "n_donors": n_donors(self.cells["donor"]),
            "validation": {
                "accuracy": float(accuracy_score(truth, predicted)),
                "macro_f1": float(f1.mean()),
                "ece": float(expected_calibration_error(confidence.max(1), predicted == truth)),
            },
            "per_label": {
                name: {"f1": float(value), "n_cells": int((truth == name).sum())}
                for name, value in zip(present, f1, strict=True)
            },
            "label_sets": self._label_sets(),
            "confusion": {
                "labels": self.names.tolist(),
                "counts": confusion_matrix(truth, predicted, labels=self.names.tolist()).tolist(),
            },
        }

    def _label_sets(self) -> dict[str, Any]:
        """At each of `label_sets.COVERAGES` the share of cells whose set has their label, and the mean size of sets, of
        all cells (`covered`, `mean_size`) and by label (`per_label`)."""
        inside = self.needed_coverage()[:, :, None] <= np.array(COVERAGES, np.float32)
        covered, sizes = inside[np.arange(len(inside)), self.targets], inside.sum(1)

        def told(cells: np.ndarray) -> dict[str, list[float]]:
            return {"covered": covered[cells].mean(0).tolist(), "mean_size": sizes[cells].mean(0).tolist()}

        by_label = {self.names[label]: told(self.targets == label) for label in np.unique(self.targets)}
        return {"coverage": list(COVERAGES), **told(np.ones(len(inside), bool)), "per_label": by_label}
