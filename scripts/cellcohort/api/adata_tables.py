"""The workflow's tables of cells as parts of an AnnData, and back: the same numbers, missing where a cell failed QC."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow as pa

from ..core.errors import InputError
from ..outputs.schemas import ANNOTATION, CNV_CELLS, POSITIONAL
from .cell_files import Patient

log = logging.getLogger(__name__)
UNS = "cellcohort"
"""Key of `uns` under which everything lies that is not of cells."""
_IDS = ("cell_id", "sample_id", "patient_id")
ANNOTATION_COLUMNS = [name for name in ANNOTATION.names if name not in _IDS]
"""Columns of obs that annotation writes."""
POSITIONAL_KEY, CNV_KEY = "X_cellmemory_positional", "X_cnv_evidence"
"""Tables in obsm that later steps read."""
CNV_COLUMNS = ["cnv_call", "cnv_score", "clone"]
"""Columns of obs that copy number writes."""
VERDICT_COLUMNS = ["verdict", "p_malignant", "reason"]
"""Columns of obs that the verdict writes."""
_CNV_EVIDENCE = [name for name in CNV_CELLS.names if name not in {*CNV_COLUMNS, "cell_id", "label", "is_ood"}]


def spread(adata: ad.AnnData, parts: Sequence[tuple[np.ndarray, pd.DataFrame]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows of tables, one a patient, as columns over all cells: text as categories, missing where no table has a row.

    Parameters
    ----------
    parts
        Row numbers in the AnnData (n,), and a table of n rows.
    """
    tables = [table[list(columns)].set_index(rows) for rows, table in parts if len(rows)]
    if not tables:
        return pd.DataFrame(np.nan, index=adata.obs_names, columns=list(columns))
    whole = pd.concat(tables).reindex(np.arange(adata.n_obs))
    whole.index = adata.obs_names
    return as_in_scanpy(whole)


def as_in_scanpy(table: pd.DataFrame) -> pd.DataFrame:
    """Text and truth values as categories, which .h5ad files keep with what is missing, and scanpy draws."""
    return table.apply(_kept_in_h5ad)


def _kept_in_h5ad(column: pd.Series) -> pd.Series:
    known = column.dropna()
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column
    if len(known) and all(isinstance(value, bool | np.bool_) for value in known):
        return column.astype(pd.CategoricalDtype([False, True]))
    return column.astype("category")


def annotation_table(adata: ad.AnnData, patient: Patient) -> pd.DataFrame:
    """annotation.parquet of a patient's cells that passed QC, from obs (`schemas.ANNOTATION`)."""
    rows = annotated_rows(adata, patient)
    table = adata.obs.iloc[rows].reindex(columns=ANNOTATION_COLUMNS)
    ids = {"cell_id": adata.obs_names[rows].astype(str), "sample_id": patient.name, "patient_id": patient.name}
    return typed(table.assign(**ids), ANNOTATION)


def positional_table(adata: ad.AnnData, patient: Patient) -> pd.DataFrame:
    """positional.parquet of the same cells, from obsm (`schemas.POSITIONAL`)."""
    rows = annotated_rows(adata, patient)
    table = adata.obsm[POSITIONAL_KEY].iloc[rows]
    return typed(table.assign(cell_id=adata.obs_names[rows].astype(str)), POSITIONAL)


def cnv_table(adata: ad.AnnData, patient: Patient) -> pd.DataFrame:
    """cnv_cells of the same cells, from obs and obsm (`schemas.CNV_CELLS`)."""
    rows = annotated_rows(adata, patient)
    obs = adata.obs.iloc[rows]
    table = pd.concat([obs[[*CNV_COLUMNS, "label", "is_ood"]], adata.obsm[CNV_KEY].iloc[rows]], axis=1)
    return typed(table.assign(cell_id=adata.obs_names[rows].astype(str)), CNV_CELLS)


def put_cnv(adata: ad.AnnData, parts: Sequence[tuple[np.ndarray, pd.DataFrame]]) -> None:
    """Write cnv_cells of patients into obs and obsm."""
    adata.obs[CNV_COLUMNS] = spread(adata, parts, CNV_COLUMNS)
    adata.obsm[CNV_KEY] = spread(adata, parts, _CNV_EVIDENCE)


def put_annotation(adata: ad.AnnData, parts: Sequence[tuple[np.ndarray, pd.DataFrame]]) -> None:
    """Write the annotation of patients into obs; coarse types only where the reference has them."""
    table = spread(adata, parts, ANNOTATION_COLUMNS)
    kept = [name for name in table if not name.startswith("coarse_") or table[name].notna().any()]
    adata.obs = adata.obs.drop(columns=[name for name in ANNOTATION_COLUMNS if name in adata.obs])
    adata.obs[kept] = table[kept]


def put_positional(adata: ad.AnnData, parts: Sequence[tuple[np.ndarray, pd.DataFrame]]) -> None:
    """Write the positional evidence of patients into obsm."""
    adata.obsm[POSITIONAL_KEY] = spread(adata, parts, [name for name in POSITIONAL.names if name != "cell_id"])


def forget(adata: ad.AnnData) -> None:
    """Take out what was found of earlier annotations, and warn of columns of the user's own that will be replaced."""
    ours = UNS in adata.uns
    if not ours:
        taken = [name for name in ANNOTATION_COLUMNS if name in adata.obs]
        if taken:
            log.warning("obs columns are replaced: %s", ", ".join(taken))
        return
    found = [*ANNOTATION_COLUMNS, *CNV_COLUMNS, *VERDICT_COLUMNS]
    adata.obs = adata.obs.drop(columns=[name for name in found if name in adata.obs])
    for name in (POSITIONAL_KEY, CNV_KEY, "X_cnv", "X_cellmemory"):
        adata.obsm.pop(name, None)
    if "cnv_arms" in adata.uns.pop(UNS):
        adata.uns.pop("cnv", None)


def annotated_rows(adata: ad.AnnData, patient: Patient) -> np.ndarray:
    """Rows of the patient's cells that have an annotation."""
    return patient.rows[adata.obs["label"].notna().to_numpy()[patient.rows]]


def check_annotated(adata: ad.AnnData) -> None:
    """Raise InputError unless the cells were annotated."""
    if "label" not in adata.obs or POSITIONAL_KEY not in adata.obsm:
        raise InputError("adata: its cells are not annotated. Call annotate(adata, bundle) first.")
    if not adata.obs["label"].notna().any():
        raise InputError("adata: none of its cells has a label; see uns['cellcohort']['patients'] for the reason.")


def typed(table: pd.DataFrame, schema: pa.Schema) -> pd.DataFrame:
    """Columns of `schema` with its types, as `outputs.parquet.write_table` takes them."""
    columns = {}
    for field in schema:
        column = table[field.name]
        if pa.types.is_string(field.type):
            text = column.astype(object)
            columns[field.name] = text.where(text.notna(), None).to_numpy(object)
        elif pa.types.is_integer(field.type) or pa.types.is_boolean(field.type):
            columns[field.name] = column.to_numpy(dtype=field.type.to_pandas_dtype())
        else:
            columns[field.name] = pd.to_numeric(column.astype(object), errors="raise").to_numpy(np.float64)
    return pd.DataFrame(columns)
