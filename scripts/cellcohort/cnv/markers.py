"""Marker genes of a patient's aneuploid cells against the normal cells of the type they lie nearest to, by t-test."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from scipy import sparse

from ..genes.shared_genes import share_genes
from ..outputs.schemas import CNV_MARKERS
from .patient_samples import Sample, named_generator, read_genes

_ANEUPLOID, _NORMAL = "aneuploid", "normal"


def rank_markers(
    cells: pd.DataFrame,
    samples: Sequence[Sample],
    positions: pd.DataFrame,
    *,
    min_cells: int = 10,
    max_cells: int = 2000,
    n_genes: int = 50,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank genes between the aneuploid OOD cells of each origin and the patient's normal cells of that type.

    Normal cells are those with that label that are not OOD and served as copy-number reference or were called diploid.
    scanpy's rank_genes_groups (t-test on log-normalised counts) ranks the genes that at least `min_cells` of the cells
    express: from 1 on those higher in the aneuploid cells, from -1 down those lower. At most `max_cells` of a group are
    read.

    Parameters
    ----------
    cells
        From :func:`cellcohort.cnv.patient_summary.add_origins`.
    samples
        The patient's usable samples, in any order.
    positions
        Gene table that gives the genes of several files the same names.
    min_cells
        Smallest group on either side; origins with fewer cells have no rows.

    Returns
    -------
    `schemas.CNV_MARKERS`: at most `n_genes` rows an origin in either direction, origins by name.
    """
    parts = [pd.DataFrame(columns=CNV_MARKERS.names)]
    ordered = sorted(samples, key=lambda sample: sample.sample_id)
    for origin in sorted(cells["origin"].dropna().unique()):
        groups = _groups(cells, origin)
        if min(map(len, groups.values())) < min_cells:
            continue
        sampled = {name: _sampled(part, max_cells, seed, origin) for name, part in groups.items()}
        chosen = pd.concat([part.assign(group=name) for name, part in sampled.items()])
        ranked = _rank(_read_cells(chosen, ordered, positions), min_cells, n_genes)
        sizes = {f"n_{name}": len(part) for name, part in groups.items()}
        parts.append(ranked.assign(patient_id=cells["patient_id"].iloc[0], origin=origin, **sizes))
    return pd.concat(parts[1:] or parts, ignore_index=True)[CNV_MARKERS.names]


def _groups(cells: pd.DataFrame, origin: str) -> dict[str, pd.DataFrame]:
    ood = cells["is_ood"].astype(bool)
    healthy = (cells["role"] == "reference") | (cells["cnv_call"] == "diploid")
    return {
        _ANEUPLOID: cells[(cells["origin"] == origin) & (cells["cnv_call"] == "aneuploid")],
        _NORMAL: cells[(cells["label"] == origin) & ~ood & healthy],
    }


def _sampled(cells: pd.DataFrame, number: int, seed: int, name: str) -> pd.DataFrame:
    """At most `number` of the cells, which are sorted."""
    if len(cells) <= number:
        return cells
    return cells.iloc[np.sort(named_generator(seed, name).choice(len(cells), number, replace=False))]


def _read_cells(chosen: pd.DataFrame, samples: Sequence[Sample], positions: pd.DataFrame) -> ad.AnnData:
    """Counts of the chosen cells in the genes that the patient's files share."""
    annotated = {sample.sample_id: sample.counts.genes for sample in samples if len(sample.annotation)}
    genes = share_genes(annotated, positions)
    names = dict(zip(annotated, genes.names, strict=True))
    blocks, groups = [], []
    for sample in samples:
        part = chosen[chosen["sample_id"] == sample.sample_id]
        if len(part):
            rows = pd.Index(sample.counts.cell_ids).get_indexer(part["cell_id"])
            blocks.append(read_genes(sample.counts, rows, names[sample.sample_id], genes.shared))
            groups += part["group"].tolist()
    obs = pd.DataFrame({"group": pd.Categorical(groups)}, index=[str(number) for number in range(len(groups))])
    var = pd.DataFrame(index=pd.Index(genes.shared, dtype=object))
    return ad.AnnData(sparse.vstack(blocks, format="csr"), obs=obs, var=var)


def _rank(adata: ad.AnnData, min_cells: int, n_genes: int) -> pd.DataFrame:
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.filter_genes(adata, min_cells=min_cells)
    sc.tl.rank_genes_groups(adata, "group", groups=[_ANEUPLOID], reference=_NORMAL, method="t-test")
    table = sc.get.rank_genes_groups_df(adata, _ANEUPLOID)
    table = table.rename(columns={"names": "symbol", "scores": "score", "logfoldchanges": "logfoldchange"})
    gained, lost = table[table["score"] > 0].head(n_genes), table[table["score"] < 0].tail(n_genes)[::-1]
    parts = [part.assign(rank=sign * np.arange(1, len(part) + 1)) for part, sign in ((gained, 1), (lost, -1))]
    return pd.concat(parts, ignore_index=True)
