"""Tissue sections: cells of spatial samples with their coordinates, thinned by a hash to what can be drawn."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from ..annotation.explanation import explain_tokens, highest
from ..bundle.fitted_genes import bundle_for_genes
from ..bundle.model_bundle import Bundle
from ..model.tokens import tokenise
from ..outputs.schemas import SECTIONS
from .cohort_h5ad import column, count_rows, sample_rows
from .sampling import hashes

MOST_CELLS = 5_000
COHORT_CELLS = 60_000
_COLUMNS = ("sample_id", "patient_id", "cell_id", "label", "is_ood", "ood_score", "cnv_call")


def sections(path: str | Path, bundle: Bundle, fitted: str | Path, *, seed: int = 1) -> pd.DataFrame:
    """The cells of annotated.h5ad that have coordinates (`schemas.SECTIONS`).

    A section with more than its share of `COHORT_CELLS` (at most `MOST_CELLS`) is thinned to the cells of the lowest
    seeded hash of cell_id. `gene` and `gene_score` are the gene of the highest score in the cell and that score
    (`attribution`), missing where the model has no scores. One section is in memory at a time. `fitted` is the folder
    in which what is fitted to the genes of a sample is kept (`fitted_genes`).
    """
    with h5py.File(path) as file:
        samples = zip(sample_rows(file), file["uns/measured"][:], strict=True) if "spatial" in file["obsm"] else []
        found = [each for each in samples if np.isfinite(file["obsm/spatial"][each[0], 0]).any()]
        if not found:
            return SECTIONS.empty_table().to_pandas()
        most = min(MOST_CELLS, COHORT_CELLS // len(found))
        bundles = (bundle_for_genes(bundle, np.flatnonzero(measured), fitted) for _, measured in found)
        parts = [_section(file, rows, most, own, seed) for (rows, _), own in zip(found, bundles, strict=True)]
        return pd.concat(parts, ignore_index=True)


def _section(file: h5py.File, rows: slice, most: int, bundle: Bundle, seed: int) -> pd.DataFrame:
    cells = pd.DataFrame({name: column(file, name, rows) for name in _COLUMNS})
    cells["is_ood"] = cells["is_ood"] == "True"
    cells["x"], cells["y"] = file["obsm/spatial"][rows, :2].T
    cells = cells[cells["x"].notna() & cells["y"].notna()]
    lowest = np.argsort(hashes(cells["cell_id"], seed), kind="stable")[:most]
    cells = cells.iloc[lowest].sort_values("cell_id")
    gene, score = _highest(count_rows(file).read(rows.start, rows.stop)[cells.index], cells["label"], bundle)
    return cells.assign(gene=gene, gene_score=score)[SECTIONS.names]


def _highest(counts: sparse.csr_matrix, labels: pd.Series, bundle: Bundle) -> tuple[np.ndarray, np.ndarray]:
    """Symbol and score of the gene of the highest score in each cell."""
    if bundle.contributions is None:
        return np.full(len(labels), None), np.full(len(labels), np.nan)
    tokens = tokenise(counts, n_bins=bundle.model.config.n_bins)
    genes, scores = highest(tokens, explain_tokens(bundle, tokens, pd.Index(bundle.labels).get_indexer(labels)))
    return np.array([*bundle.vocabulary["symbol"], None], object)[genes], scores
