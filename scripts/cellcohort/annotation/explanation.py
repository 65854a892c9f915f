"""Explanation of labels: mean gene scores (L1) and slot programs (L2) of each label, summed over streamed cells.

A gene's score is what it adds to the logit of a cell's label, less what it adds to the other labels' on average
(`attribution`), silent genes 0: removing the genes of highest score moves the prediction. What the workspace alone says
of the gene stands beside it: the additive workspace's part in its own logits, which the programs divide among slots; of
the published network attention, which is the score too where labels come from it alone (imported models).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from ..bundle.model_bundle import Bundle
from ..model.inference import run_batches
from ..model.reading import Reading, read_workspace
from ..model.tokens import Tokens
from .program_quality import MIN_STABILITY, QUALITY, specificity


def explain_tokens(bundle: Bundle, tokens: Tokens, labels: np.ndarray) -> np.ndarray:
    """Score of each token of n cells of the label numbers `labels`, shape (n tokens,)."""
    scores = np.empty(len(tokens.genes))
    for rows, batch, output in run_batches(bundle.model, tokens, attention=True):
        reading = read_workspace(bundle.model, batch, output, bundle.contrast[labels[rows]])
        places = np.concatenate([np.arange(*tokens.indptr[row : row + 2]) for row in rows])
        scores[places] = score_tokens(bundle, batch, labels[rows], reading)
    return scores


def score_tokens(bundle: Bundle, tokens: Tokens, labels: np.ndarray, reading: Reading) -> np.ndarray:
    """Score of each token: the sum of what the additive members of the ensemble say, or else the attention."""
    if bundle.contributions is None:
        return reading.of_gene
    scores = bundle.contributions.of(tokens, labels)
    return scores + bundle.ensemble_weights[0] * reading.of_gene if reading.exact else scores


def highest(tokens: Tokens, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the gene of the highest score in each of n cells, and that score, shapes (n,); -1 and NaN for a cell
    without genes."""
    genes, values = np.full(len(tokens), -1), np.full(len(tokens), np.nan)
    order = np.lexsort((-scores, np.repeat(np.arange(len(tokens)), tokens.lengths)))
    filled = tokens.lengths > 0
    first = order[tokens.indptr[:-1][filled]]
    genes[filled], values[filled] = tokens.genes[first], scores[first]
    return genes, values


class Explanation:
    """Sums over cells of each label; memory is labels x genes x slots, whatever the number of cells.

    Parameters
    ----------
    n_labels, n_genes, n_slots
        Sizes of the model.
    """

    def __init__(self, n_labels: int, n_genes: int, n_slots: int):
        self.n_cells = np.zeros(n_labels, np.int64)
        self.scores, self.workspace, self.detected = np.zeros((3, n_labels, n_genes))
        self.programs, self.used = np.zeros((n_labels, n_genes, n_slots)), np.zeros((n_labels, n_slots))

    def add(self, labels: np.ndarray, tokens: Tokens, reading: Reading, scores: np.ndarray) -> None:
        """Add a batch of cells.

        Parameters
        ----------
        labels
            Label number of each cell, shape (B,).
        reading, scores
            Of each token (`read_workspace`, `score_tokens`).
        """
        where = (np.repeat(labels, tokens.lengths), tokens.genes)
        np.add.at(self.scores, where, scores)
        np.add.at(self.workspace, where, reading.of_gene)
        np.add.at(self.detected, where, tokens.bins > 0)
        np.add.at(self.programs, where, reading.by_slot)
        said = np.zeros((len(tokens), self.used.shape[1]))
        np.add.at(said, np.repeat(np.arange(len(tokens)), tokens.lengths), reading.by_slot)
        np.add.at(self.used, labels, said > 0)
        self.n_cells += np.bincount(labels, minlength=len(self.n_cells))

    def gene_scores(self, labels: list[str], symbols: np.ndarray, measured: np.ndarray) -> pd.DataFrame:
        """Means over the cells of each label that occurs, of the genes `measured` (numbers) (schemas.GENE_SCORES)."""
        present, symbols = np.flatnonzero(self.n_cells), symbols[measured]
        n_cells = self.n_cells[present, None]
        return pd.DataFrame(
            {
                "label": np.repeat(np.array(labels, object)[present], len(symbols)),
                "symbol": np.tile(symbols, len(present)),
                "score": (self.scores[present][:, measured] / n_cells).ravel(),
                "n_cells": np.repeat(self.n_cells[present], len(symbols)),
                "workspace": (self.workspace[present][:, measured] / n_cells).ravel(),
                "detected": (self.detected[present][:, measured] / n_cells).ravel(),
            }
        )

    def slot_programs(
        self, labels: list[str], symbols: np.ndarray, measured: np.ndarray, stability: np.ndarray | None
    ) -> pd.DataFrame:
        """Means of what each slot says of the genes `measured` over the cells of each label that occurs
        (schemas.PROGRAMS).

        Parameters
        ----------
        stability
            Of each slot; the slots below `MIN_STABILITY` are summed, so that all still add up to the workspace's part.
            None where it was not measured.
        """
        present = np.flatnonzero(self.n_cells)
        names, n_cells = np.array(labels, object)[present], self.n_cells[present, None]
        weights = self.programs[present][:, measured].transpose(0, 2, 1) / n_cells[:, :, None]
        if stability is None:
            return _program_table(names, range(weights.shape[1]), symbols[measured], weights)
        slots, rest = np.flatnonzero(stability >= MIN_STABILITY), np.flatnonzero(stability < MIN_STABILITY)
        quality = {
            "stability": np.tile(stability[slots], (len(present), 1)),
            "coverage": self.used[present][:, slots] / n_cells,
            "specificity": specificity(weights[:, slots].sum(2)),
        }
        table = _program_table(names, slots, symbols[measured], weights[:, slots], quality)
        if not len(rest):
            return table
        others = weights[:, rest].sum(1, keepdims=True)
        return pd.concat([table, _program_table(names, [None], symbols[measured], others)], ignore_index=True)


def _program_table(
    labels: np.ndarray,
    slots: Iterable[int | None],
    symbols: np.ndarray,
    weights: np.ndarray,
    quality: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> pd.DataFrame:
    """A row for each of the weights (labels, slots, genes), with the `quality` (labels, slots) of its program."""
    keys = [labels, pd.array(list(slots), "Int32"), symbols]
    rows = pd.MultiIndex.from_product(keys, names=["label", "slot", "symbol"]).to_frame(index=False)
    values = {name: np.repeat(quality[name].ravel(), len(symbols)) for name in quality}
    return rows.assign(weight=weights.ravel(), **(dict.fromkeys(QUALITY, np.nan) | values))
