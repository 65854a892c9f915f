"""One patient: gather the counts of all samples, choose normal cells, borrow what is missing, call, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from ..cnv_groups import POOL
from ..counts import Counts, open_sample
from ..files import read_json
from ..tables import read_frame
from .call import CnvResult, call_copy_number
from .settings import Settings

_HELD_OUT = 0.2
_MAX_BORROWED = 200
_SMALL_GROUP = 20


@dataclass(frozen=True)
class Sample:
    """One sample of the patient.

    Attributes
    ----------
    counts
        The opened counts.
    annotation
        annotation.parquet of the sample: one row for each cell that passed QC.
    """

    sample_id: str
    counts: Counts
    annotation: pd.DataFrame


def open_samples(
    rows: Sequence[dict[str, Any]],
    counts: Sequence[str | Path],
    *,
    status: Sequence[str | Path],
    annotation: Sequence[str | Path],
) -> list[Sample]:
    """Open the patient's samples that are not rejected.

    Parameters
    ----------
    rows
        The samples' rows of the sheet.
    counts, status, annotation
        Paths in the order of `rows`.
    """
    return [
        Sample(row["sample_id"], open_sample(row, path), read_frame(table))
        for row, path, state, table in zip(rows, counts, status, annotation, strict=True)
        if read_json(state)["status"] == "ok"
    ]


@dataclass(frozen=True)
class HealthyReference:
    """The labelled healthy cells that may be borrowed: the opened counts and each cell's label (missing: unused)."""

    counts: Counts
    labels: pd.Series


def call_patient(
    samples: Sequence[Sample],
    *,
    positions: pd.DataFrame,
    arms: pd.DataFrame | None = None,
    healthy: HealthyReference | None = None,
    normal_labels: Sequence[str] = (),
    min_reference: int = 15,
    min_confidence: float = 0.8,
    settings: Settings | None = None,
    seed: int = 0,
) -> CnvResult:
    """Call the copy number of one patient from all of its samples.

    Normal cells are those that the model is sure of: in distribution, at least `min_confidence`, with one of
    `normal_labels` (empty: any label). A fifth of them, by lineage and never below `min_reference`, is held out. The
    label of an OOD cell is only the nearest type, so these cells form lineages of their own, without a reference. A
    label with fewer than `min_reference` normal cells gets up to 200 cells of that label from the healthy reference,
    which no other patient has a part in.

    The counts of the patient's cells are held in memory, sparse: about 50 bytes a nonzero entry at the peak, 15 GB
    for 200,000 cells of 1,500 genes.

    Returns
    -------
    CnvResult whose `cells` has sample_id in front of cell_id, one row for each annotated cell, in the samples' order;
    the profile has the same rows.
    """
    obs = _describe(samples, normal_labels, min_reference, min_confidence, seed)
    borrowed = _borrow(obs, healthy, normal_labels, min_reference, seed)
    adata = _assemble(samples, obs, healthy, borrowed, positions)
    result = call_copy_number(
        adata,
        lineage="lineage",
        reference="reference",
        borrowed="borrowed",
        positions=positions,
        arms=arms,
        min_reference=min_reference,
        settings=settings,
        seed=seed,
    )
    own = np.arange(len(obs))
    cells = result.cells.iloc[own].copy()
    cells["cell_id"] = obs["cell_id"].to_numpy()
    cells.insert(0, "sample_id", obs["sample_id"].to_numpy())
    return CnvResult(cells, result.arms, result.profile[own], result.columns, result.chr_pos)


def _describe(
    samples: Sequence[Sample], normal_labels: Sequence[str], min_reference: int, min_confidence: float, seed: int
) -> pd.DataFrame:
    """The patient's annotated cells with lineage and reference (bool)."""
    columns = ["cell_id", "label", "confidence", "is_ood"]
    none = pd.DataFrame(columns=[*columns, "sample_id"], dtype=object)
    tables = [one.annotation[columns].assign(sample_id=one.sample_id) for one in samples if len(one.annotation)]
    obs = pd.concat(tables or [none], ignore_index=True)
    ood = obs["is_ood"].astype(bool).to_numpy()
    label = obs["label"].astype(str)
    lineage = label.where(~ood, label + ", " + POOL)
    size = lineage.map(lineage.value_counts())
    obs["lineage"] = lineage.mask(ood & (size < _SMALL_GROUP), POOL)
    normal = ~ood & (obs["confidence"].to_numpy(dtype=float) >= min_confidence)
    if len(normal_labels):
        normal &= label.isin(normal_labels).to_numpy()
    obs["reference"] = normal & ~_held_out(obs, normal, min_reference, seed)
    return obs


def _held_out(obs: pd.DataFrame, normal: np.ndarray, min_reference: int, seed: int) -> np.ndarray:
    """A seeded fifth of the normal cells of each lineage, as far as `min_reference` of them stay."""
    held = np.zeros(len(obs), dtype=bool)
    ordered = obs[normal].sort_values(["sample_id", "cell_id"])
    for lineage, rows in ordered.groupby("lineage", sort=True).groups.items():
        number = min(int(_HELD_OUT * len(rows)), len(rows) - min_reference)
        if number > 0:
            held[seeded(seed, lineage).choice(np.asarray(rows), number, replace=False)] = True
    return held


def seeded(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each name, so that no lineage or origin depends on which others there are."""
    return np.random.default_rng([seed, crc32(str(name).encode())])


def _borrow(
    obs: pd.DataFrame, healthy: HealthyReference | None, normal_labels: Sequence[str], min_reference: int, seed: int
) -> pd.DataFrame:
    """Rows of the healthy reference that fill up the labels with too few normal cells: row, lineage."""
    empty = pd.DataFrame({"row": np.empty(0, dtype=np.int64), "lineage": np.empty(0, dtype=object)})
    if healthy is None or not len(obs):
        return empty
    enough = obs.loc[obs["reference"], "lineage"].value_counts()
    wanted = [
        label
        for label in sorted(obs["label"].astype(str).unique())
        if enough.get(label, 0) < min_reference and (not len(normal_labels) or label in normal_labels)
    ]
    parts = [empty]
    order = np.argsort(healthy.counts.cell_ids.astype(str), kind="stable")
    labels = healthy.labels.astype(object).to_numpy()
    for label in wanted:
        rows = order[labels[order] == label]
        if len(rows) > _MAX_BORROWED:
            rows = seeded(seed, label).choice(rows, _MAX_BORROWED, replace=False)
        parts.append(pd.DataFrame({"row": np.sort(rows), "lineage": label}))
    return pd.concat(parts, ignore_index=True).sort_values("row", ignore_index=True)


def _assemble(
    samples: Sequence[Sample],
    obs: pd.DataFrame,
    healthy: HealthyReference | None,
    borrowed: pd.DataFrame,
    positions: pd.DataFrame,
) -> ad.AnnData:
    """Counts of the patient's cells, then of the borrowed ones, in the genes that all files share."""
    sources = [(one.counts, _rows_of(one)) for one in samples if len(one.annotation)]
    if len(borrowed):
        sources.append((healthy.counts, borrowed["row"].to_numpy()))
    names = [gene_names(counts.genes, positions) for counts, _ in sources]
    shared = sorted(set(names[0]).intersection(*names[1:])) if names else []
    blocks = [read_genes(counts, rows, name, shared) for (counts, rows), name in zip(sources, names, strict=True)]
    matrix = sparse.vstack(blocks, format="csr") if blocks else sparse.csr_matrix((0, 0), dtype=np.float32)
    table = pd.concat(
        [
            obs[["lineage", "reference"]].assign(borrowed=False),
            borrowed[["lineage"]].assign(reference=True, borrowed=True),
        ],
        ignore_index=True,
    )
    keys = [f"{sample}\t{cell}" for sample, cell in zip(obs["sample_id"], obs["cell_id"], strict=True)]
    table.index = pd.Index(keys + [f"\tborrowed {row}" for row in borrowed["row"]], dtype=object)
    return ad.AnnData(matrix, obs=table, var=pd.DataFrame(index=pd.Index(shared, dtype=object)))


def gene_names(genes: pd.DataFrame, positions: pd.DataFrame) -> np.ndarray:
    """The symbol of `positions` for each gene of a file: by gene id where both know it, else the file's own symbol."""
    known = pd.Series(dtype=object)
    if "gene_id" in positions:
        known = positions.dropna(subset=["gene_id"]).drop_duplicates("gene_id").set_index("gene_id")["symbol"]
    by_id = genes["gene_id"].map(known)
    return by_id.where(by_id.notna(), genes["symbol"]).astype(str).to_numpy()


def _rows_of(sample: Sample) -> np.ndarray:
    """Row numbers of the annotated cells, in the order of the annotation."""
    rows = pd.Index(sample.counts.cell_ids).get_indexer(sample.annotation["cell_id"])
    if (rows < 0).any():
        raise ValueError(f"{sample.sample_id}: annotated cells are not in {sample.counts.path}")
    return rows


def read_genes(counts: Counts, rows: np.ndarray, names: np.ndarray, shared: list[str]) -> sparse.csr_matrix:
    """Counts of some rows, in their order, in the shared genes; genes of one name are summed."""
    column = pd.Index(shared).get_indexer(names)
    kept = np.flatnonzero(column >= 0)
    into = sparse.csr_matrix(
        (np.ones(len(kept), dtype=np.float32), (kept, column[kept])), shape=(len(names), len(shared))
    )
    order = np.argsort(rows, kind="stable")
    chunks = [chunk @ into for _, chunk in counts.chunks(rows[order])]
    stacked = sparse.vstack(chunks, format="csr")
    return stacked[np.argsort(order, kind="stable")]


def open_healthy(reference: dict[str, Any], counts: Counts) -> HealthyReference:
    """The healthy reference with the labels that the config names."""
    return HealthyReference(counts, counts.obs[reference["label"]])
