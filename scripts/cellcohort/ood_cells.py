"""ood.h5ad: the OOD cells of a sample with the counts of all genes, written as a stream."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy import sparse

from .bundle import Bundle, stacked
from .counts import Counts
from .files import atomic_path
from .tables import ANNOTATION

OBS = [name for name in ANNOTATION.names if name != "cell_id"]


def write_ood(
    path: str | Path, counts: Counts, *, annotation: str | Path, embedding: str | Path, bundle: Bundle
) -> None:
    """Write the cells whose is_ood is true.

    obs holds the columns of annotation.parquet and `origin`, the reference type of most of the nearest reference
    cells (DESIGN, terms); obsm["X_cellmemory"] the embedding; var symbol and gene_id.
    """
    table = pq.read_table(annotation)
    chosen = table["is_ood"].to_numpy()
    obs = table.filter(table["is_ood"]).to_pandas().set_index("cell_id")
    vectors = stacked(pq.read_table(embedding)["vector"].filter(table["is_ood"]))
    obs["origin"] = bundle.neighbours.origin(vectors)
    rows = np.flatnonzero(pd.Index(counts.cell_ids).isin(table["cell_id"].to_pandas()[chosen]))
    _write(path, obs, vectors, counts.genes, (chunk for _, chunk in counts.chunks(rows)))


def empty_ood(path: str | Path) -> None:
    """A valid file of no cells."""
    obs = ANNOTATION.empty_table().to_pandas().set_index("cell_id").assign(origin=pd.Series(dtype=object))
    genes = pd.DataFrame({"symbol": [], "gene_id": []}, dtype=object)
    _write(path, obs, np.empty((0, 0), np.float32), genes, iter(()))


def _write(path, obs: pd.DataFrame, vectors: np.ndarray, genes: pd.DataFrame, chunks) -> None:
    var = genes.assign(gene_id=genes["gene_id"].fillna("").astype(str)).set_index("symbol")
    frame = ad.AnnData(X=sparse.csr_matrix((0, len(var)), dtype=np.float32), obs=obs.iloc[:0], var=var)
    with atomic_path(path) as part:
        frame.write_h5ad(part)
        with h5py.File(part, "r+") as file:
            _append(file, chunks)
            for name in ("obs", "obsm"):
                del file[name]
            ad.io.write_elem(file, "obs", obs)
            ad.io.write_elem(file, "obsm", {"X_cellmemory": vectors})


def _append(file: h5py.File, chunks) -> None:
    matrix = ad.io.sparse_dataset(file["X"])
    for chunk in chunks:
        matrix.append(chunk)
