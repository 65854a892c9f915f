"""annotated.h5ad: every annotated cell of the cohort as scanpy and cellxgene expect it, written as a stream.

obs_names are ``sample_id|cell_id``. The names of obs and obsm are described in config/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..genes.alignment import Alignment
from ..inputs.counts import Counts, open_sample
from ..inputs.sample_columns import DESCRIPTION
from ..inputs.stores.backed_matrix import SparseRows
from ..inputs.stores.stored_elements import array, attribute, is_group, member
from ..inputs.stores.text_columns import text_column
from ..outputs.h5ad import GrowingH5ad, growing_h5ad
from ..outputs.parquet import read_frame, stacked
from ..outputs.schemas import ANNOTATION, CNV_CELLS
from ..verdict.decision import REASONS, VERDICTS

_CNV = ["cnv_call", "cnv_score", "clone"]
_VERDICT = {"verdict": "verdict", "p_malignant": "p_malignant", "reason": "verdict_reason"}  # table to obs
_TEXTS = [field.name for field in ANNOTATION if field.type == pa.string() and field.name != "cell_id"]
_CATEGORIES = [*_TEXTS, *DESCRIPTION, "value_kind", "cnv_call", "clone", "verdict", "verdict_reason"]


@dataclass(frozen=True)
class SampleFiles:
    """A row of the sample sheet, the kind of its values and where its results are.

    `value_kind` is None for a rejected sample, `cnv_cells` without copy number.
    """

    sample: Mapping[str, Any]
    value_kind: str | None
    counts: str | Path
    genes: str | Path
    annotation: str | Path
    embedding: str | Path
    verdict: str | Path
    cnv_cells: str | Path | None = None


def write_annotated(
    path: str | Path, samples: Sequence[SampleFiles], *, vocabulary: pd.DataFrame, umap: str | Path, title: str = ""
) -> None:
    """Write the cells that passed quality control of all samples, in the order of the sheet.

    X holds the counts of the vocabulary's genes (CSR, float32; on the linear scale also where a file is
    log-normalised, see obs["value_kind"]); a gene that a sample lacks is 0. obsm["X_cellmemory"] is the embedding,
    obsm["X_umap"] the map, NaN for cells that were not drawn; obsm["spatial"] is there if a sample has coordinates, NaN
    for the cells of others; uns["measured"] says which genes (columns) the file of each sample (rows, in their order)
    holds. One sample's tables and one chunk of its counts are in memory at a time.

    Parameters
    ----------
    vocabulary
        In schemas.VOCABULARY.
    umap
        cohort/umap.parquet.
    """
    used = [files for files in samples if files.value_kind]
    spatial_widths = [_spatial_width(files) for files in used]
    widths = {"X_cellmemory": _embedding_width(samples), "X_umap": 2}
    widths |= {"spatial": max(spatial_widths)} if any(spatial_widths) else {}
    places = read_frame(umap).query("set == 'cohort'").set_index(["sample_id", "cell_id"])[["x", "y"]]
    uns = {"title": title, "default_embedding": "X_umap", "measured": _measured(used, len(vocabulary))}
    with growing_h5ad(path, obs=_empty_obs(used), var=_var(vocabulary), obsm=widths, uns=uns) as file:
        for files in used:
            counts, obs = open_sample(files.sample, files.counts), _obs(files)
            file.append_obs(obs)
            _append_arrays(file, files, counts, obs["cell_id"])
            file.append_obsm("X_umap", _placed(places, obs))
            if "spatial" in widths:
                file.append_obsm("spatial", _coordinates(counts, obs["cell_id"], widths["spatial"]))


def _measured(used: Sequence[SampleFiles], n_genes: int) -> np.ndarray:
    parts = [read_frame(files.genes, ["match"])["match"].to_numpy() != "missing" for files in used if _n_cells(files)]
    return np.array(parts, bool).reshape(-1, n_genes)


def _n_cells(files: SampleFiles) -> int:
    return pq.read_metadata(files.annotation).num_rows


def _spatial_width(files: SampleFiles) -> int:
    """How many coordinates the cells have."""
    spatial = open_sample(files.sample, files.counts).spatial
    return 0 if spatial is None else spatial.shape[1]


def _append_arrays(file: GrowingH5ad, files: SampleFiles, counts: Counts, cell_ids: pd.Series) -> None:
    """Counts and embedding of a sample, chunk by chunk."""
    alignment = Alignment.from_table(read_frame(files.genes), counts.genes)
    rows = np.flatnonzero(pd.Index(counts.cell_ids).isin(cell_ids))
    for _, chunk in counts.chunks(rows):
        file.append_rows(alignment.project(chunk))
    for batch in pq.ParquetFile(files.embedding).iter_batches(columns=["vector"]):
        file.append_obsm("X_cellmemory", stacked(pa.chunked_array([batch["vector"]])))


def _obs(files: SampleFiles) -> pd.DataFrame:
    cells = read_frame(files.annotation)
    described = {name: files.sample.get(name) for name in DESCRIPTION}
    verdicts = read_frame(files.verdict).set_index("cell_id").loc[cells["cell_id"]]
    judged = {name: verdicts[column].to_numpy() for column, name in _VERDICT.items()}
    cells = cells.assign(**described, value_kind=files.value_kind, **_copy_number(files, cells["cell_id"]), **judged)
    return cells.set_index(cells["sample_id"] + "|" + cells["cell_id"])


def _copy_number(files: SampleFiles, cell_ids: pd.Series) -> dict[str, np.ndarray]:
    """Call, score and clone of each cell; the clone's name starts with the patient's, to be unique over the cohort."""
    names = ["cell_id", *_CNV]
    calls = read_frame(files.cnv_cells, names) if files.cnv_cells else CNV_CELLS.empty_table().to_pandas()[names]
    calls = calls.set_index("cell_id").reindex(cell_ids)
    clone = (str(files.sample["patient_id"]) + "|" + calls["clone"].astype(object)).where(calls["clone"].notna(), None)
    call, score = calls["cnv_call"].to_numpy(object), calls["cnv_score"].to_numpy(np.float32)
    return {"cnv_call": call, "cnv_score": score, "clone": clone.to_numpy(object)}


def _empty_obs(used: Sequence[SampleFiles]) -> pd.DataFrame:
    """The columns of obs, with every category that a first pass over the samples finds."""
    found: dict[str, set] = {name: set() for name in _CATEGORIES}
    found |= {"verdict": set(VERDICTS), "verdict_reason": set(REASONS)}
    for files in used:
        for name in _TEXTS:
            found[name].update(pq.read_table(files.annotation, columns=[name])[name].unique().to_pylist())
        found["value_kind"].add(files.value_kind)
        for name in DESCRIPTION:
            found[name].add(files.sample.get(name))
        if files.cnv_cells:
            calls = _copy_number(files, read_frame(files.cnv_cells, ["cell_id"])["cell_id"])
            found["cnv_call"].update(calls["cnv_call"])
            found["clone"].update(calls["clone"])
    others = (*DESCRIPTION, "value_kind", *_CNV, *_VERDICT.values())
    nothing = ANNOTATION.empty_table().to_pandas().assign(**dict.fromkeys(others, None))
    dtypes = {name: pd.CategoricalDtype(sorted(filter(_is_text, found[name]))) for name in _CATEGORIES}
    dtypes |= {field.name: field.type.to_pandas_dtype() for field in ANNOTATION if field.name not in dtypes}
    obs = nothing.astype(dtypes | {"cnv_score": np.float32, "p_malignant": np.float32, "cell_id": object})
    return obs.set_index(pd.Index([], dtype=object))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _var(vocabulary: pd.DataFrame) -> pd.DataFrame:
    """The vocabulary by symbol; text where something is unknown, because .h5ad has no missing text."""
    texts = vocabulary[["symbol", "gene_id", "chromosome"]].fillna("").astype(str)
    places = vocabulary[["start", "end"]].astype("Float64").astype(float)
    return texts.join(places).set_index(pd.Index(texts["symbol"].to_numpy(object)))


def _embedding_width(samples: Sequence[SampleFiles]) -> int:
    return pq.read_schema(samples[0].embedding).field("vector").type.list_size if samples else 0


def _placed(places: pd.DataFrame, obs: pd.DataFrame) -> np.ndarray:
    keys = pd.MultiIndex.from_frame(obs[["sample_id", "cell_id"]])
    return places.reindex(keys).to_numpy(np.float32)


def _coordinates(counts: Counts, cell_ids: pd.Series, width: int) -> np.ndarray:
    coordinates = np.full((len(cell_ids), width), np.nan)
    if counts.spatial is not None:
        rows = pd.Index(counts.cell_ids).get_indexer(cell_ids)
        coordinates[:, : counts.spatial.shape[1]] = counts.spatial[rows]
    return coordinates


def sample_rows(file: h5py.File) -> list[slice]:
    """The rows of each sample, which lie together."""
    codes = file["obs/sample_id/codes"][:]
    starts = np.flatnonzero(np.diff(codes, prepend=-1, append=-1))
    return [slice(int(first), int(last)) for first, last in pairwise(starts)]


def column(file: h5py.File, name: str, rows: slice) -> np.ndarray:
    """Some rows of a column of obs; None where a text is missing."""
    element = member(file, f"obs/{name}")
    is_number = not is_group(element) and not h5py.check_string_dtype(element.dtype)
    return array(element, rows) if is_number else text_column(member(file, "obs"), name, rows)


def count_rows(file: h5py.File) -> SparseRows:
    """The counts, read by ranges of rows."""
    group = member(file, "X")
    return SparseRows(group, tuple(attribute(group, "shape")))
