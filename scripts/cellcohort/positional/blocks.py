"""Blocks along the genome: do groups of cells differ from healthy types in neighbouring genes together?

A copy-number change moves hundreds of neighbouring genes at once. A type, a state, a platform or an infection moves
genes wherever they lie. So the log ratio of a few cells to any healthy type is smooth along the chromosomes only if
their genome is altered. How that was tried, and on what, is in tests/benchmarks/README.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

NEAREST, FURTHEST = 5, 80  # genes between two that are compared: nearer ones share regulation, further ones no block
PSEUDO, EXPRESSED = 5.0, 20.0  # counts per million
CLIP = 3.0  # robust standard deviations
MIN_GENES = 1_500  # expressed genes with a place, below which there are too few to show a block
N_TYPES = 6  # healthy types that a group is compared with: those most like it
BATCH = 256

FAMILIES = re.compile(
    r"^(HLA-|H2-|IG[HKL][VDJCGAME]|IGLL|TR[ABGD][VDJC]|HIST|H[1234][A-Z-]|KRT|MT[12][A-Z]|HB[ABDEGMQZ]|PCDH|OR\d|S100"
    r"|CXCL|CCL|SERPIN|PRSS|CEACAM|GSTM|GSTA|UGT|ADH|LILR|KIR|KLR|SPRR|LCE|DEFA|GBP|IFI|IFN|APOBEC3|MS4A|CD1[A-E]|FCGR"
    r"|FCER|FCRL|CEL|REG|PSG|GAGE|MAGE|SSX)",
    re.IGNORECASE,
)
"""Families of genes that lie in clusters and are switched on together: blocks without any change of dosage."""


@dataclass(frozen=True)
class Genome:
    """G genes in the order of the genome.

    Attributes
    ----------
    symbol, chromosome
        Names, shape (G,).
    length
        Base pairs, shape (G,).
    """

    symbol: np.ndarray
    chromosome: np.ndarray
    length: np.ndarray

    @cached_property
    def in_family(self) -> np.ndarray:
        """Genes of `FAMILIES`, shape (G,), bool."""
        return np.array([FAMILIES.match(name) is not None for name in self.symbol], bool)


def block_scores(
    sums: np.ndarray, healthy: np.ndarray, genome: Genome, *, without: np.ndarray | None = None
) -> np.ndarray:
    """How far neighbouring genes agree in the log ratio of each group to the healthy types: z, shape (n,), float64.

    The quadratic form over pairs of genes of a chromosome `NEAREST` to `FURTHEST` places apart, less its mean over
    random orders of the genes, in units of its deviation over them; the smallest over the healthy types. Expression
    level and length of the genes, which lie in no random order, are regressed out. NaN where fewer than `MIN_GENES`
    genes are expressed.

    Parameters
    ----------
    sums
        Counts of n groups of cells, shape (n, G).
    healthy
        Counts of T healthy types, shape (T, G).
    without
        Number of a healthy type that each group is not compared with, shape (n,); -1 for none.
    """
    types = [_HealthyType.of(counts, genome) for counts in healthy]
    without = np.full(len(sums), -1) if without is None else without
    z = np.full(len(sums), np.nan)
    if any(len(one.used) >= MIN_GENES for one in types):
        for start in range(0, len(sums), BATCH):
            part = slice(start, start + BATCH)
            z[part] = _batch(sums[part], types, without[part])
    return z


@dataclass(frozen=True)
class _HealthyType:
    """A type's expressed genes.

    Attributes
    ----------
    used
        Their numbers, shape (g,).
    log_level
        Log2 of counts per million with the pseudocount, of all genes, shape (G,).
    covariates
        Orthonormal columns that are regressed out, shape (g, 6).
    chromosomes
        Where each chromosome begins and ends among the used genes.
    """

    used: np.ndarray
    log_level: np.ndarray
    covariates: np.ndarray
    chromosomes: list[slice]

    @classmethod
    def of(cls, counts: np.ndarray, genome: Genome) -> _HealthyType:
        level = counts / max(counts.sum(), 1e-12) * 1e6
        used = np.flatnonzero((level > EXPRESSED) & ~genome.in_family)
        expression, length = np.log10(level[used] + 10), np.log10(np.maximum(genome.length[used], 100))
        terms = [np.ones(len(used)), expression, expression**2, length, length**2, length * expression]
        edges = np.flatnonzero(genome.chromosome[used][1:] != genome.chromosome[used][:-1]) + 1
        starts = [0, *edges.tolist(), len(used)]
        return cls(
            used,
            np.log2(level + PSEUDO).astype(np.float32),
            np.linalg.qr(np.stack(terms, 1))[0].astype(np.float32) if len(used) >= MIN_GENES else np.empty((0, 6)),
            [slice(low, high) for low, high in pairwise(starts)],
        )


def _batch(counts: np.ndarray, types: list[_HealthyType], without: np.ndarray) -> np.ndarray:
    """z of some groups, counts (n, G)."""
    depth = np.maximum(counts.sum(1, keepdims=True), 1e-12)
    log_level = np.log2(counts / depth * 1e6 + np.maximum(PSEUDO, 1e6 / depth)).astype(np.float32)
    compared = _nearest_types(log_level, types, without)
    z = np.full(len(counts), np.inf)
    for number, healthy in enumerate(types):
        rows = np.flatnonzero(compared[:, number])
        if len(healthy.used) >= MIN_GENES and len(rows):
            ratio = log_level[np.ix_(rows, healthy.used)] - healthy.log_level[healthy.used]
            z[rows] = np.minimum(z[rows], _agreement(ratio, healthy))
    return np.where(np.isfinite(z) & (depth[:, 0] > 1e-6), z, np.nan)


def _nearest_types(log_level: np.ndarray, types: list[_HealthyType], without: np.ndarray) -> np.ndarray:
    """Which `N_TYPES` types each group is compared with, shape (n, T), bool: those it correlates with most."""
    levels = np.stack([one.log_level for one in types])
    here, there = (x - x.mean(1, keepdims=True) for x in (log_level, levels))
    likeness = here @ there.T / np.maximum(np.linalg.norm(there, axis=1), 1e-12)
    rows = np.flatnonzero(without >= 0)
    likeness[rows, without[rows]] = -np.inf
    rank = np.argsort(np.argsort(-likeness, axis=1, kind="stable"), axis=1)
    return (rank < N_TYPES) & np.isfinite(likeness)


def _agreement(ratio: np.ndarray, healthy: _HealthyType) -> np.ndarray:
    """z of the log ratios of n groups to one type, shape (n, g)."""
    x = ratio - (ratio @ healthy.covariates) @ healthy.covariates.T
    spread = 1.4826 * np.median(np.abs(x), axis=1, keepdims=True)
    x = np.clip(x / np.maximum(spread, 1e-9), -CLIP, CLIP).astype(np.float64)
    x -= x.mean(1, keepdims=True)
    x /= np.maximum(x.std(1, keepdims=True), 1e-12)
    form, n_pairs = np.zeros(len(x)), 0
    for part in healthy.chromosomes:
        form += _pairs(x[:, part])
        n_pairs += sum(max(part.stop - part.start - apart, 0) for apart in range(NEAREST, FURTHEST + 1))
    # over random orders: mean -2 n_pairs / (g - 1), variance near 4 n_pairs
    return (2 * form + 2 * n_pairs / (x.shape[1] - 1)) / np.sqrt(4 * n_pairs)


def _pairs(x: np.ndarray) -> np.ndarray:
    """Sum of the products of genes `NEAREST` to `FURTHEST` places apart on one chromosome, x of shape (n, genes)."""
    n_genes = x.shape[1]
    before = np.concatenate([np.zeros((len(x), 1)), np.cumsum(x, axis=1)], axis=1)
    place = np.arange(n_genes)
    ahead = before[:, np.minimum(place + FURTHEST + 1, n_genes)] - before[:, np.minimum(place + NEAREST, n_genes)]
    return (x * ahead).sum(1)
