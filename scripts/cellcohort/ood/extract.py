"""ood.h5ad: the OOD cells of a sample with the counts of all genes, written as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from ..core.files import atomic_path
from ..core.provenance import NAME, current
from ..inputs.counts import Counts
from ..outputs.parquet import stacked
from ..outputs.schemas import ANNOTATION

BATCH_CELLS = 16_384


def write_ood(path: str | Path, counts: Counts, *, annotation: str | Path, embedding: str | Path) -> None:
    """Write the cells whose is_ood is true.

    obs holds the columns of annotation.parquet (no coarse type as an empty text), obsm["X_cellmemory"] the
    embedding, obsm["spatial"] the coordinates of a file that has them, uns["value_kind"] the kind of the sample's
    values, which are on the linear scale here. Both tables have the same cells in the same order.
    """
    batches = list(_ood_batches(annotation, embedding))
    obs = pd.concat([obs for obs, _ in batches]) if batches else _empty_obs()
    rows = np.flatnonzero(pd.Index(counts.cell_ids).isin(obs.index))
    width = pq.read_schema(embedding).field("vector").type.list_size
    vectors = np.concatenate([np.empty((0, width), np.float32), *(vectors for _, vectors in batches)])
    places = {"X_cellmemory": vectors} | ({} if counts.spatial is None else {"spatial": counts.spatial[rows]})
    _write(path, obs, places, counts.genes, counts.kind, (chunk for _, chunk in counts.chunks(rows)))


def empty_ood(path: str | Path) -> None:
    """A valid file of no cells."""
    genes = pd.DataFrame({"symbol": [], "gene_id": []}, dtype=object)
    _write(path, _empty_obs(), {"X_cellmemory": np.empty((0, 0), np.float32)}, genes, "none", ())


def _empty_obs() -> pd.DataFrame:
    return ANNOTATION.empty_table().to_pandas().set_index("cell_id")


def _ood_batches(annotation, embedding) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """obs and embeddings of the OOD cells among each batch of the sample's cells."""
    readers = [pq.ParquetFile(path).iter_batches(BATCH_CELLS) for path in (annotation, embedding)]
    for cells, embedded in zip(*readers, strict=True):
        chosen = cells["is_ood"]
        vectors = stacked(pa.chunked_array([embedded["vector"].filter(chosen)]))
        yield cells.filter(chosen).to_pandas().set_index("cell_id"), vectors


def _write(
    path,
    obs: pd.DataFrame,
    obsm: dict[str, np.ndarray],
    genes: pd.DataFrame,
    kind: str,
    chunks: Iterable[sparse.csr_matrix],
) -> None:
    coarse = obs["coarse_label"].fillna("").astype(str), obs["coarse_confidence"].astype(np.float32)
    obs = obs.assign(coarse_label=coarse[0], coarse_confidence=coarse[1])
    var = genes.assign(gene_id=genes["gene_id"].fillna("").astype(str)).set_index("symbol")
    uns = {"value_kind": kind, NAME: current()}
    nothing = ad.AnnData(X=sparse.csr_matrix((0, len(var)), dtype=np.float32), var=var, uns=uns)
    with atomic_path(path) as part:
        nothing.write_h5ad(part, compression="gzip")
        with h5py.File(part, "r+") as file:
            matrix = ad.io.sparse_dataset(file["X"])
            for chunk in chunks:
                matrix.append(chunk)
            for name, content in (("obs", obs), ("obsm", obsm)):
                del file[name]
                ad.io.write_elem(file, name, content, dataset_kwargs={"compression": "gzip"})
