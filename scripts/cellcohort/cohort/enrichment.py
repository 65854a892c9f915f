"""Gene-set enrichment of gene scores and programs: one-sided rank-sum tests among the vocabulary's genes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm, rankdata

from ..annotation.program_quality import QUALITY

MIN_GENES = 3  # of a set in the vocabulary, below which it is not tested
LEADING = 10  # genes of a set that are named
KEYS = ["level", "label", "slot"]
REST = -1  # the slots that are not printed one by one


def enrich(gene_scores: pd.DataFrame, programs: pd.DataFrame, gene_sets: Mapping[str, list[str]]) -> pd.DataFrame:
    """Test each gene set in the scores of each label and in the program of each label and slot.

    Parameters
    ----------
    gene_scores, programs
        In schemas.GENE_SCORES and schemas.PROGRAMS, all genes of the vocabulary for each label.
    gene_sets
        Symbols by name of the set; capitals and small letters are the same.

    Returns
    -------
    `schemas.ENRICHMENT`, the smallest p-value of each label and slot first. `auc` is the chance that a gene of
    the set has a higher value than another gene of the vocabulary; the p-value is that of the one-sided rank-sum test,
    which takes genes as independent; q-values (Benjamini-Hochberg) are over all tests of a level. A program's value is
    what the slot says of a gene beside the mean of the slots: the ratio of shares of attention, the difference of
    contributions, which have signs. What is not printed slot by slot is not tested.
    """
    scores = gene_scores.pivot_table(index="label", columns="symbol", values="score", observed=True)
    numbered = programs.assign(slot=programs["slot"].fillna(REST))
    weights = numbered.pivot_table(index=["label", "slot"], columns="symbol", values="weight", observed=True)
    average = weights.groupby("label").transform("mean")
    shares = bool((weights >= 0).all(axis=None))
    relative = (weights / average.where(average > 0)).fillna(1.0) if shares else weights - average
    relative = relative.drop(index=REST, level="slot", errors="ignore")
    parts = []
    for level, values in {"gene score": scores, "program": relative}.items():
        found = rank_gene_sets(values.to_numpy(), values.columns.to_numpy(str), gene_sets)
        if len(found):
            found["qvalue"] = false_discovery_control(found["pvalue"])
        keys = values.index.to_frame(index=False).iloc[found["row"]].reset_index(drop=True)
        parts.append(found.join(keys).assign(level=level))
    table = pd.concat(parts).reindex(columns=[*KEYS, "gene_set", "n_genes", "auc", "pvalue", "qvalue", "genes"])
    of_slots = programs.dropna(subset="slot").drop_duplicates(["label", "slot"])[["label", "slot", *QUALITY]]
    table = table.astype({"slot": "Int32"}).merge(of_slots.astype({"slot": "Int32"}), how="left", on=["label", "slot"])
    return table.sort_values([*KEYS, "pvalue", "gene_set"], ignore_index=True)


def rank_gene_sets(values: np.ndarray, symbols: np.ndarray, gene_sets: Mapping[str, list[str]]) -> pd.DataFrame:
    """One-sided rank-sum tests of gene sets in each row of `values` (k, n_genes); the columns of `symbols` (n_genes,).

    Returns
    -------
    Columns row, gene_set, n_genes (of the set in the vocabulary), auc, pvalue and genes (the `LEADING` highest of the
    set), without sets of fewer than `MIN_GENES` genes or of all.
    """
    place = {symbol.upper(): i for i, symbol in enumerate(symbols)}
    known = {name: [place[s.upper()] for s in genes if s.upper() in place] for name, genes in gene_sets.items()}
    n = len(symbols)
    columns = {name: np.unique(found) for name, found in known.items() if MIN_GENES <= len(set(found)) < n}
    if not (columns and values.size):
        return pd.DataFrame(columns=["row", "gene_set", "n_genes", "auc", "pvalue", "genes"]).astype({"row": int})
    ranks = rankdata(values, axis=1)
    spread = ranks.var(axis=1, ddof=1)  # below (n + 1) n / 12 where genes are tied
    parts = []
    for name, chosen in columns.items():
        size, others = len(chosen), n - len(chosen)
        above = ranks[:, chosen].sum(1) - size * (size + 1) / 2
        deviation = np.sqrt(np.maximum(size * others * spread / n, 1e-12))
        order = chosen[np.argsort(-values[:, chosen], axis=1, kind="stable")[:, :LEADING]]
        parts.append(
            pd.DataFrame(
                {
                    "row": np.arange(len(values)),
                    "gene_set": name,
                    "n_genes": size,
                    "auc": above / (size * others),
                    "pvalue": norm.sf((above - size * others / 2) / deviation),
                    "genes": [", ".join(symbols[row]) for row in order],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
