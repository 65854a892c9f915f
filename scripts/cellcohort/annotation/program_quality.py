"""How far a program can be relied on: which are printed, and how specific they are."""

from __future__ import annotations

import numpy as np

QUALITY = ("stability", "coverage", "specificity")
MIN_STABILITY = 0.5
"""Share of refits in which a slot returns, from which its programs are printed one by one. Groups of genes without
structure return in none, and no slot below it was found again in other donors or studies
(tests/benchmarks/stability_study.py)."""


def specificity(said: np.ndarray) -> np.ndarray:
    """Share of each label in what a slot says for labels, all labels weighted equally, shape as `said`.

    Parameters
    ----------
    said
        What each slot adds to the contrast of each label, on average over that label's cells, shape (n_labels, n).
        Where it speaks against the label, the share is 0.
    """
    favour = np.maximum(said, 0)
    return favour / np.maximum(favour.sum(0), np.finfo(float).tiny)
