"""Explanation of labels: mean gene scores (L1) and slot programs (L2) of each label, summed over streamed cells.

A gene's score is what it adds to the logit of a cell's label, less what it adds to the other labels' on average
(`attribution`), silent genes 0: removing the genes of highest score moves the prediction. The published score,
CLS's attention over slots times the slots' attention over genes, stands beside it as `attention`; it is the score too
where labels come from the network alone (imported models).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from ..model.network import CellMemoryOutput
from ..model.tokens import Tokens


class Explanation:
    """Sums over cells of each label; memory is labels x genes x slots, whatever the number of cells.

    Parameters
    ----------
    n_labels, n_genes, n_slots
        Sizes of the model.
    """

    def __init__(self, n_labels: int, n_genes: int, n_slots: int):
        self.n_cells = np.zeros(n_labels, np.int64)
        self.scores, self.attention, self.detected = np.zeros((3, n_labels, n_genes))
        self.programs = np.zeros((n_labels, n_genes, n_slots))

    def add(
        self, labels: np.ndarray, tokens: Tokens, output: CellMemoryOutput, contributions: np.ndarray | None
    ) -> None:
        """Add a batch of cells.

        Parameters
        ----------
        labels
            Label number of each cell, shape (B,).
        contributions
            Score of each token (`GeneContributions.of`); None takes the attention.
        """
        assert output.read is not None  # both are there after a run with attention=True
        assert output.received is not None
        lengths = tokens.lengths
        inside = torch.arange(output.read.shape[2] - 1) < torch.from_numpy(lengths)[:, None]
        read = output.read[:, :, 1:].transpose(1, 2).cpu()[inside].double().numpy()  # (tokens, slots)
        received = np.repeat(output.received.cpu().double().numpy(), lengths, axis=0)
        attention = (read * received).sum(1)
        where = (np.repeat(labels, lengths), tokens.genes)
        np.add.at(self.scores, where, attention if contributions is None else contributions)
        np.add.at(self.attention, where, attention)
        np.add.at(self.detected, where, tokens.bins > 0)
        np.add.at(self.programs, where, read)
        self.n_cells += np.bincount(labels, minlength=len(self.n_cells))

    def gene_scores(self, labels: list[str], symbols: np.ndarray) -> pd.DataFrame:
        """Means over the cells of each label that occurs (schemas.GENE_SCORES): score, attention, share of cells that
        have the gene."""
        present = np.flatnonzero(self.n_cells)
        n_cells = self.n_cells[present, None]
        return pd.DataFrame(
            {
                "label": np.repeat(np.array(labels, object)[present], len(symbols)),
                "symbol": np.tile(symbols, len(present)),
                "score": (self.scores[present] / n_cells).ravel(),
                "n_cells": np.repeat(self.n_cells[present], len(symbols)),
                "attention": (self.attention[present] / n_cells).ravel(),
                "detected": (self.detected[present] / n_cells).ravel(),
            }
        )

    def slot_programs(self, labels: list[str], symbols: np.ndarray) -> pd.DataFrame:
        """Mean share of each slot's reading that each gene has, over the cells of each label (schemas.PROGRAMS)."""
        present = np.flatnonzero(self.n_cells)
        n_slots = self.programs.shape[2]
        weights = self.programs[present] / self.n_cells[present, None, None]
        return pd.DataFrame(
            {
                "label": np.repeat(np.array(labels, object)[present], n_slots * len(symbols)),
                "slot": np.tile(np.repeat(np.arange(n_slots), len(symbols)), len(present)),
                "symbol": np.tile(symbols, len(present) * n_slots),
                "weight": weights.transpose(0, 2, 1).ravel(),
            }
        )
