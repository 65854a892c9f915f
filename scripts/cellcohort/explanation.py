"""Gene scores (L1) and slot programs (L2) by label, summed while cells stream by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from .model import CellMemoryOutput
from .tokens import Tokens


class Explanation:
    """Sums over cells of each label; memory is labels x genes x slots, whatever the number of cells.

    Parameters
    ----------
    n_labels, n_genes, n_slots
        Sizes of the model.
    """

    def __init__(self, n_labels: int, n_genes: int, n_slots: int):
        self.n_cells = np.zeros(n_labels, np.int64)
        self.scores = np.zeros((n_labels, n_genes))
        self.programs = np.zeros((n_labels, n_genes, n_slots))

    def add(self, labels: np.ndarray, tokens: Tokens, output: CellMemoryOutput) -> None:
        """Add a batch of cells, `labels` their label numbers, shape (B,)."""
        lengths = tokens.lengths
        inside = torch.arange(output.read.shape[2] - 1) < torch.from_numpy(lengths)[:, None]
        read = output.read[:, :, 1:].transpose(1, 2).cpu()[inside].double().numpy()  # (tokens, slots)
        received = np.repeat(output.received.cpu().double().numpy(), lengths, axis=0)
        where = (np.repeat(labels, lengths), tokens.genes)
        np.add.at(self.scores, where, (read * received).sum(1))
        np.add.at(self.programs, where, read)
        self.n_cells += np.bincount(labels, minlength=len(self.n_cells))

    def gene_scores(self, labels: list[str], symbols: np.ndarray) -> pd.DataFrame:
        """Mean score of each gene over the cells of each label that occurs (tables.GENE_SCORES)."""
        present = np.flatnonzero(self.n_cells)
        return pd.DataFrame(
            {
                "label": np.repeat(np.array(labels, object)[present], len(symbols)),
                "symbol": np.tile(symbols, len(present)),
                "score": (self.scores[present] / self.n_cells[present, None]).ravel(),
                "n_cells": np.repeat(self.n_cells[present], len(symbols)),
            }
        )

    def slot_programs(self, labels: list[str], symbols: np.ndarray) -> pd.DataFrame:
        """Mean share of each slot's reading that each gene has, over the cells of each label (tables.PROGRAMS)."""
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
