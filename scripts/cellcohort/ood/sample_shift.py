"""Technical shift of a sample's OOD scores, estimated from labels whose contrasts to one another are conserved.

Another study, platform or depth raises the OOD score of every cell of a sample, whatever its type. Cells of a type that
the reference lacks raise it too, and must not be excused by it. The two differ in one thing: under a technical shift
the types keep their contrasts to one another (what sets T cells apart from B cells in the reference still does, and as
much), while cells of an unknown type that were given several labels show little of these contrasts. So the shift is the
median over the labels whose lowest-scoring cells conserve theirs; where fewer than two labels do, no shift is granted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..classifier.type_profiles import Comparison, Profiles
from .detector import Detector

MIN_CELLS = 20  # of a label in the sample
LOWEST_SHARE = 0.1  # of a label's cells, those of the lowest scores: up to nine in ten may be of an unknown type
MIN_LOWEST, MAX_LOWEST = 10, 200
MIN_CONTRAST = 0.5  # of correlation and slope; known types of other studies keep 0.6 and more, unknown ones below 0.45
DEVIATION_FLOOR = 0.02


@dataclass(frozen=True)
class Shift:
    """The technical shift of a sample.

    Attributes
    ----------
    shift
        In units of the OOD score, at least 0.
    labels
        For each label with enough cells: its `shift`, the `contrast` it keeps (the lesser of slope and correlation),
        whether that is conserved, so that the label counts (`anchor`).
    """

    shift: float
    labels: dict[str, dict]


def score_sample(
    profiles: Profiles,
    detector: Detector,
    names: list[str],
    compared: Comparison,
    scaled_bins: sparse.csr_matrix,
    cell_ids: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, Shift]:
    """Scores, p-values adjusted for the shift, shapes (n,), and the shift of a sample that is in memory.

    Parameters
    ----------
    compared, scaled_bins, cell_ids
        Of the sample's n cells: `profiles.compare(scaled_bins)`, shape (n, n_genes), shape (n,).
    """
    scores = detector.score(compared.ood_components)
    estimator = ShiftEstimator(profiles, detector, names)
    estimator.add(cell_ids, compared.types, scores, scaled_bins)
    shift = estimator.estimate(compared.types, scores)
    return scores, detector.pvalue(scores - shift.shift, np.array(names, object)[compared.types]), shift


class ShiftEstimator:
    """Collects the lowest-scoring cells of each label, chunk by chunk.

    Parameters
    ----------
    names
        The labels in the order of the profiles.
    """

    def __init__(self, profiles: Profiles, detector: Detector, names: list[str]):
        self.profiles, self.detector, self.names = profiles, detector, names
        self.lowest: dict[int, tuple[np.ndarray, np.ndarray, sparse.csr_matrix]] = {}

    def add(self, cell_ids: np.ndarray, codes: np.ndarray, scores: np.ndarray, scaled_bins: sparse.csr_matrix) -> None:
        """Add a chunk's cells: ids, label numbers and scores, shapes (n,), and scaled bins (n, n_genes)."""
        for code in np.unique(codes):
            cells = codes == code
            ids, values, rows = cell_ids[cells], scores[cells], scaled_bins[cells]
            if code in self.lowest:
                before = self.lowest[code]
                ids, values = np.concatenate([before[0], ids]), np.concatenate([before[1], values])
                rows = sparse.vstack([before[2], rows], format="csr")
            kept = np.lexsort((ids, values))[:MAX_LOWEST]
            self.lowest[code] = ids[kept], values[kept], rows[kept]

    def estimate(self, codes: np.ndarray, scores: np.ndarray) -> Shift:
        """The shift of the sample, whose cells have the label numbers `codes` and the `scores`, shapes (n,)."""
        centres, shifts = {}, {}
        for code, n_cells in enumerate(np.bincount(codes, minlength=len(self.names))):
            if n_cells >= MIN_CELLS:
                n_lowest = max(MIN_LOWEST, int(LOWEST_SHARE * n_cells))
                centres[code] = self.lowest[code][2][:n_lowest].mean(0).A1
                reference = self.detector.reference_scores(self.names[code])
                shifts[code] = np.quantile(scores[codes == code], LOWEST_SHARE) - np.quantile(reference, LOWEST_SHARE)
        contrasts = self._contrasts(centres)
        conserved = [code for code, contrast in contrasts.items() if contrast >= MIN_CONTRAST]
        shift = max(0.0, float(np.median([shifts[code] for code in conserved]))) if len(conserved) > 1 else 0.0
        return Shift(
            shift,
            {
                self.names[code]: {
                    "shift": float(shifts[code]),
                    "contrast": float(contrast),
                    "anchor": code in conserved,
                }
                for code, contrast in contrasts.items()
            },
        )

    def _contrasts(self, centres: dict[int, np.ndarray]) -> dict[int, float]:
        """How much of a label's contrast to the other labels, over genes, the sample keeps: slope or correlation."""
        if len(centres) < 2:
            return {}
        codes = list(centres)
        weight = 1 / (self.profiles.deviation + DEVIATION_FLOOR)
        sample, reference = np.stack([centres[code] for code in codes]), self.profiles.level[:, codes].T
        kept = {}
        for i, code in enumerate(codes):
            here, there = ((x[i] - np.delete(x, i, axis=0).mean(0)) * weight for x in (sample, reference))
            product, size = here @ there, np.linalg.norm(there)
            kept[code] = product / max(size**2, np.linalg.norm(here) * size, 1e-12)
        return kept
