"""Cells of made-up genomes: genes along chromosomes, healthy types that switch genes wherever they lie, and events."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

N_GENES, N_CHROMOSOMES = 4_000, 8
TYPES = ("alpha", "beta", "delta")


class Genomes:
    """Rates of three types over genes in the order of the genome, and cells drawn from them."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.symbols = np.array([f"GENE{i}" for i in range(N_GENES)], object)
        self.chromosomes = np.repeat([f"chr{i + 1}" for i in range(N_CHROMOSOMES)], N_GENES // N_CHROMOSOMES)
        common = rng.gamma(2, 1, N_GENES)
        self.rates = {name: common * rng.lognormal(0, 0.6, N_GENES) for name in TYPES}

    @property
    def positions(self) -> pd.DataFrame:
        start = np.tile(np.arange(N_GENES // N_CHROMOSOMES) * 100_000, N_CHROMOSOMES)
        lengths = np.random.default_rng(1).integers(1_000, 90_000, N_GENES)
        return pd.DataFrame(
            {"symbol": self.symbols, "chromosome": self.chromosomes, "start": start, "end": start + lengths}
        )

    def cells(self, name: str, n: int, *, gained=(), lost=(), depth: float = 4_000, seed: int = 0) -> np.ndarray:
        """Counts of n cells of a type, some of whose chromosomes have half as many copies more or less."""
        dosage = np.where(np.isin(self.chromosomes, gained), 1.5, np.where(np.isin(self.chromosomes, lost), 0.5, 1.0))
        rate = self.rates[name] * dosage
        return np.random.default_rng(seed).poisson(depth * rate / rate.sum(), (n, N_GENES)).astype(np.float32)

    def write(self, path: Path, parts: list[np.ndarray], labels: list[str], *, seed: int | None = None) -> Path:
        """The parts' cells as .h5ad with their labels, in another order where a seed is given."""
        matrix = np.concatenate(parts)
        truth = np.repeat(labels, [len(part) for part in parts])
        ids = np.array([f"cell{i:05d}" for i in range(len(matrix))], object)
        order = np.arange(len(ids)) if seed is None else np.random.default_rng(seed).permutation(len(ids))
        obs = pd.DataFrame({"cell_type": truth[order]}, index=ids[order])
        ad.AnnData(sparse.csr_matrix(matrix[order]), obs=obs, var=pd.DataFrame(index=self.symbols)).write_h5ad(path)
        return path


@pytest.fixture(scope="session")
def genomes() -> Genomes:
    return Genomes()
