"""Marker genes of a patient's malignant cells against the patient's normal cells, by the verdict, by t-test."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from scipy import sparse

from ..cnv.patient_samples import Sample, named_generator, read_genes
from ..genes.shared_genes import SharedGenes, share_genes
from ..outputs.schemas import MARKERS
from .decision import MALIGNANT, NORMAL


def rank_markers(
    verdicts: pd.DataFrame,
    samples: Sequence[Sample],
    positions: pd.DataFrame,
    *,
    min_cells: int = 10,
    max_cells: int = 2000,
    n_genes: int = 50,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank genes between a patient's malignant and normal cells.

    scanpy's rank_genes_groups (t-test on log-normalised counts) ranks the genes that at least `min_cells` of the cells
    express: from 1 on those higher in the malignant cells, from -1 down those lower. At most `max_cells` of either are
    read; of the normal ones as many of each label, as far as there are, so that the most frequent type does not stand
    for all. A sample that shares too few genes with the others takes no part.

    Parameters
    ----------
    verdicts
        The patient's verdict table.
    samples
        The patient's usable samples, in any order.
    positions
        Gene table that gives the genes of several files the same names.
    min_cells
        Smallest group; without as many malignant and normal cells there are no rows.

    Returns
    -------
    `schemas.MARKERS`: at most `n_genes` rows in either direction.
    """
    ordered = sorted((sample for sample in samples if len(sample.annotation)), key=lambda sample: sample.sample_id)
    genes = share_genes({sample.sample_id: sample.counts.genes for sample in ordered}, positions)
    joined = [sample for sample, joins in zip(ordered, genes.joined, strict=True) if joins]
    labelled = _with_labels(verdicts, joined)
    groups = {name: labelled[labelled["verdict"] == name] for name in (MALIGNANT, NORMAL)}
    if min(map(len, groups.values())) < min_cells:
        return pd.DataFrame(columns=MARKERS.names)
    labels = groups[NORMAL]["label"]
    each = max(max_cells // labels.nunique(), 1)
    parts = [_sampled(groups[MALIGNANT], max_cells, seed, MALIGNANT)]
    parts += [_sampled(part, each, seed, label) for label, part in groups[NORMAL].groupby("label", sort=True)]
    ranked = _rank(_read_cells(pd.concat(parts), ordered, genes), min_cells, n_genes)
    sizes = {f"n_{name}": len(part) for name, part in groups.items()}
    return ranked.assign(patient_id=verdicts["patient_id"].iloc[0], **sizes)[MARKERS.names]


def _with_labels(verdicts: pd.DataFrame, samples: Sequence[Sample]) -> pd.DataFrame:
    """The verdicts by sample and cell, with each cell's label."""
    keys = ["sample_id", "cell_id"]
    tables = [sample.annotation[["cell_id", "label"]].assign(sample_id=sample.sample_id) for sample in samples]
    labels = pd.concat([pd.DataFrame(columns=[*keys, "label"], dtype=object), *tables])
    return verdicts.merge(labels, on=keys, validate="one_to_one").sort_values(keys, ignore_index=True)


def _sampled(cells: pd.DataFrame, number: int, seed: int, name: str) -> pd.DataFrame:
    """At most `number` of the cells, which are sorted."""
    if len(cells) <= number:
        return cells
    return cells.iloc[np.sort(named_generator(seed, name).choice(len(cells), number, replace=False))]


def _read_cells(chosen: pd.DataFrame, samples: Sequence[Sample], genes: SharedGenes) -> ad.AnnData:
    """Counts of the chosen cells in the shared genes; `samples` are those that share them, or not, in their order."""
    blocks, verdicts = [], []
    for sample, names in zip(samples, genes.names, strict=True):
        part = chosen[chosen["sample_id"] == sample.sample_id]
        if len(part):
            rows = pd.Index(sample.counts.cell_ids).get_indexer(part["cell_id"])
            blocks.append(read_genes(sample.counts, rows, names, genes.shared))
            verdicts += part["verdict"].tolist()
    obs = pd.DataFrame({"verdict": pd.Categorical(verdicts)}, index=[str(number) for number in range(len(verdicts))])
    var = pd.DataFrame(index=pd.Index(genes.shared, dtype=object))
    return ad.AnnData(sparse.vstack(blocks, format="csr"), obs=obs, var=var)


def _rank(adata: ad.AnnData, min_cells: int, n_genes: int) -> pd.DataFrame:
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.filter_genes(adata, min_cells=min_cells)
    sc.tl.rank_genes_groups(adata, "verdict", groups=[MALIGNANT], reference=NORMAL, method="t-test")
    table = sc.get.rank_genes_groups_df(adata, MALIGNANT)
    table = table.rename(columns={"names": "symbol", "scores": "score", "logfoldchanges": "logfoldchange"})
    gained, lost = table[table["score"] > 0].head(n_genes), table[table["score"] < 0].tail(n_genes)[::-1]
    parts = [part.assign(rank=sign * np.arange(1, len(part) + 1)) for part, sign in ((gained, 1), (lost, -1))]
    return pd.concat(parts, ignore_index=True)
