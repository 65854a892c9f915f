"""Write ood.h5ad: the OOD cells of a sample with the counts of all genes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..inputs.counts import Counts
from ..outputs.h5ad import growing_h5ad
from ..outputs.parquet import stacked
from ..outputs.schemas import ANNOTATION

BATCH_CELLS = 16_384


def write_ood(path: str | Path, counts: Counts, *, annotation: str | Path, embedding: str | Path) -> None:
    """Write the cells whose is_ood is true.

    obs holds the columns of annotation.parquet, texts as categories; obsm["X_cellmemory"] the embedding,
    obsm["spatial"] the coordinates of a file that has them, uns["value_kind"] the kind of the sample's values, which
    are on the linear scale here. Both tables have the same cells in the same order.
    """
    batches = list(_ood_batches(annotation, embedding))
    obs = _as_obs(pd.concat([ANNOTATION.empty_table().to_pandas(), *(cells for cells, _ in batches)]))
    rows = np.flatnonzero(pd.Index(counts.cell_ids).isin(obs.index))
    width = pq.read_schema(embedding).field("vector").type.list_size
    arrays = {"X_cellmemory": np.concatenate([np.empty((0, width), np.float32), *(vectors for _, vectors in batches)])}
    if counts.spatial is not None:
        arrays["spatial"] = counts.spatial[rows]
    widths = {name: values.shape[1] for name, values in arrays.items()}
    uns = {"value_kind": counts.kind}
    with growing_h5ad(path, obs=obs[:0], var=_var(counts.genes), obsm=widths, uns=uns) as file:
        file.append_obs(obs)
        for name, values in arrays.items():
            file.append_obsm(name, values)
        for _, chunk in counts.chunks(rows):
            file.append_rows(chunk)


def empty_ood(path: str | Path) -> None:
    """A valid file of no cells."""
    obs, genes = (
        _as_obs(ANNOTATION.empty_table().to_pandas()),
        pd.DataFrame({"symbol": [], "gene_id": []}, dtype=object),
    )
    with growing_h5ad(path, obs=obs, var=_var(genes), obsm={"X_cellmemory": 0}, uns={"value_kind": "none"}):
        pass


def _ood_batches(annotation: str | Path, embedding: str | Path) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Annotation and embeddings of the OOD cells among each batch of the sample's cells."""
    readers = [pq.ParquetFile(path).iter_batches(BATCH_CELLS) for path in (annotation, embedding)]
    for cells, embedded in zip(*readers, strict=True):
        chosen = cells["is_ood"]
        vectors = stacked(pa.chunked_array([embedded["vector"].filter(chosen)]))
        yield cells.filter(chosen).to_pandas(), vectors


def _as_obs(cells: pd.DataFrame) -> pd.DataFrame:
    """Annotated cells by cell_id with the dtypes of ANNOTATION, texts as categories."""
    dtypes = {field.name: field.type.to_pandas_dtype() for field in ANNOTATION if field.type != pa.string()}
    dtypes |= {
        field.name: pd.CategoricalDtype(sorted(cells[field.name].dropna().unique()))
        for field in ANNOTATION
        if field.type == pa.string() and field.name != "cell_id"
    }
    return cells.astype(dtypes).set_index("cell_id")


def _var(genes: pd.DataFrame) -> pd.DataFrame:
    """Symbols and ids by symbol; the writer makes the index unique, the column `symbol` keeps what the file says."""
    texts = genes[["symbol", "gene_id"]].fillna("").astype(str)
    return texts.set_index(pd.Index(texts["symbol"].to_numpy(object)))
