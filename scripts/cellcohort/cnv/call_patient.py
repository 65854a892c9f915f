"""Call the copy number of one patient: gather its samples' counts, choose normal cells and borrow missing ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from ..genes.shared_genes import SharedGenes, share_genes
from .call_copy_number import CnvResult, call_copy_number
from .cell_calls import undetermined_cells
from .normals.reference_cells import (
    annotated_cells,
    healthy_rows,
    labels_to_borrow,
    reference_table,
    warn_of_refused,
    with_lineages,
)
from .normals.refusal import refuse_by_arms
from .patient_samples import HealthyReference, Sample, annotated_rows, read_genes
from .settings import Settings

log = logging.getLogger(__name__)


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
    `normal_labels` (empty: any label), without positional evidence, of an expression group that agrees with safer cells
    on the arms. A fifth of them, by lineage and never below `min_reference`, is held out. The label of an OOD cell is
    only the nearest type, and that of a cell with strong evidence or of a group that disagrees is in doubt, so these
    cells form lineages of their own, without a reference. A label with fewer than `min_reference` normal cells gets up
    to 200 cells of that label from the healthy reference, which no other patient has a part in.

    A sample that would leave the others less than a third of the genes (a panel, another species) is left out: its
    cells are undetermined, and the others are called as without it.

    The counts of the patient's cells are held in memory, sparse: about 50 bytes a nonzero entry at the peak, 15 GB
    for 200,000 cells of 1,500 genes.

    Returns
    -------
    CnvResult whose `cells` has sample_id in front of cell_id, and the annotation's label and is_ood at the end; one row
    for each annotated cell, in the samples' order. The profile has the same rows.
    """
    annotated = [one for one in samples if len(one.annotation)]
    genes = _shared(annotated, positions)
    joint = [one for one, joined in zip(annotated, genes.joined, strict=True) if joined]
    if healthy is not None and not _shared(joint, positions, healthy).joined[-1]:
        log.warning("The healthy reference shares too few genes with the patient: no cells are borrowed.")
        healthy = None
    _warn_of_unknown(normal_labels, joint, healthy)
    obs = annotated_cells(joint, normal_labels, min_confidence)
    options = {"positions": positions, "arms": arms, "healthy": healthy, "settings": settings or Settings()}
    obs = refuse_by_arms(obs, joint, _shared(joint, positions, healthy), seed=seed, **options)
    obs = with_lineages(obs, min_reference, seed)
    borrowed = healthy_rows(healthy, labels_to_borrow(obs, normal_labels, min_reference), seed)
    adata = _assemble(joint, obs, healthy, borrowed, positions)
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
    reference = reference_table(obs, borrowed, result.cells, min_reference)
    warn_of_refused(reference)
    called = replace(_of_the_patient(result, obs), reference=reference)
    return called if all(genes.joined) else _with_left_out(called, annotated, genes)


def _of_the_patient(result: CnvResult, obs: pd.DataFrame) -> CnvResult:
    """The result without the borrowed cells, which come last, and with the annotation of the others."""
    own = slice(len(obs))
    annotation = {"cell_id": obs["cell_id"], "label": obs["label"].astype(str), "is_ood": obs["is_ood"].astype(bool)}
    cells = result.cells.iloc[own].assign(**annotation)
    cells.insert(0, "sample_id", obs["sample_id"])
    return replace(result, cells=cells, profile=result.profile[own])


def _shared(samples: Sequence[Sample], positions: pd.DataFrame, healthy: HealthyReference | None = None) -> SharedGenes:
    reference = None if healthy is None else healthy.counts.genes
    return share_genes({one.sample_id: one.counts.genes for one in samples}, positions, healthy=reference)


def _warn_of_unknown(normal_labels: Sequence[str], samples: Sequence[Sample], healthy: HealthyReference | None) -> None:
    """Log the normal labels that neither the samples nor the healthy reference have: they may be misspelt."""
    tables = [one.annotation["label"] for one in samples] + ([] if healthy is None else [healthy.labels.dropna()])
    known = set().union(*(table.astype(str) for table in tables))
    unknown = sorted(set(normal_labels) - known)
    if unknown:
        log.warning("cnv.normal_labels: no cell has the label %s. Is it misspelt?", ", ".join(unknown))


def _with_left_out(called: CnvResult, samples: Sequence[Sample], genes: SharedGenes) -> CnvResult:
    """The result with a row for each cell of the samples that were left out, in the samples' order; profiles of 0."""
    tables, place = [], {one.sample_id: number for number, one in enumerate(samples)}
    for one, joined, n_placed in zip(samples, genes.joined, genes.n_placed, strict=True):
        if not joined:
            reason = (
                f"sample left out: it has {n_placed} genes with a position, which leave the patient's other samples "
                f"(up to {max(genes.n_placed)}) too few in common"
            )
            log.warning("%s: %s.", one.sample_id, reason)
            label = one.annotation["label"].astype(str).to_numpy()
            table = undetermined_cells(label, np.zeros(len(label), dtype=bool), reason)
            names = {"sample_id": one.sample_id, "cell_id": one.annotation["cell_id"].to_numpy()}
            tables.append(table.assign(**names, label=label, is_ood=one.annotation["is_ood"].to_numpy(dtype=bool)))
    cells = pd.concat([called.cells, *tables], ignore_index=True)[called.cells.columns]
    order = np.argsort(cells["sample_id"].map(place).to_numpy(), kind="stable")
    empty = sparse.csr_matrix((len(cells) - len(called.cells), called.profile.shape[1]))
    profile = sparse.vstack([called.profile, empty], format="csr")[order]
    return replace(called, cells=cells.iloc[order].reset_index(drop=True), profile=profile)


def _assemble(
    samples: Sequence[Sample],
    obs: pd.DataFrame,
    healthy: HealthyReference | None,
    borrowed: pd.DataFrame,
    positions: pd.DataFrame,
) -> ad.AnnData:
    """Counts of the patient's cells, then of the borrowed ones, in the genes that all files share."""
    sources = [(one.counts, annotated_rows(one)) for one in samples]
    healthy = healthy if len(borrowed) else None
    if healthy is not None:
        sources.append((healthy.counts, borrowed["row"].to_numpy()))
    genes = _shared(samples, positions, healthy)
    blocks = [
        read_genes(counts, rows, names, genes.shared)
        for (counts, rows), names in zip(sources, genes.names, strict=True)
    ]
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
    return ad.AnnData(matrix, obs=table, var=pd.DataFrame(index=pd.Index(genes.shared, dtype=object)))
