"""What a user gives the Python API, AnnData or path, as files of patients that the workflow's stages read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd

from ..core.errors import InputError
from ..inputs.counts import open_counts

GIVEN = "adata"
"""What messages call an AnnData in memory, which has no path."""
_PREFIX = "cellcohort-"
_TEMPORARY = re.compile(rf"[^\s']*/{_PREFIX}\w+/\w+\.h5ad")


@dataclass(frozen=True)
class Patient:
    """The cells of one patient.

    Attributes
    ----------
    name
        What the patient is called: the value of its column, or "sample" where all cells are of one patient.
    rows
        Ascending row numbers of its cells in the AnnData.
    sample
        What the workflow knows of a sample from its line of the sheet: sample_id, patient_id, path, counts, genes and
        species.
    """

    name: str
    rows: np.ndarray
    sample: dict[str, Any]

    @property
    def path(self) -> str:
        """Its file."""
        return self.sample["path"]


@dataclass(frozen=True)
class Cells:
    """The AnnData that receives results, and its patients; `is_new` where it was made for the caller."""

    adata: ad.AnnData
    patients: list[Patient]
    is_new: bool

    @property
    def answer(self) -> ad.AnnData | None:
        """What a function that writes into an AnnData returns, by the convention of scanpy."""
        return self.adata if self.is_new else None


@contextmanager
def open_cells(
    data: ad.AnnData | str | Path,
    *,
    patient: str | None = None,
    counts: str = "X",
    genes: str = "index",
    species: str = "human",
    copy: bool = False,
) -> Iterator[Cells]:
    """Yield the cells of an AnnData or a file, patient by patient; files in memory's stead live as long as the block.

    A file whose cells are all of one patient is read where it lies, and an AnnData that is backed by one as it is, too.
    Else the counts of each patient are written into a temporary folder (TMPDIR).

    Parameters
    ----------
    data
        AnnData in memory or backed, or the path of any format that the workflow reads.
    patient
        The obs column with the patient; None: all cells are of one.
    counts, genes, species
        As in the sample sheet.
    copy
        Whether results go into a copy of an AnnData. A view always becomes one.

    Raises
    ------
    InputError
        When the obs column, the matrix or the file is missing, a cell has no patient, or names occur twice.
    """
    given = {"counts": counts, "genes": genes, "species": species}
    name = GIVEN if isinstance(data, ad.AnnData) else str(data)
    with TemporaryDirectory(prefix=_PREFIX) as folder, named_as_given(name):
        if not isinstance(data, ad.AnnData):
            adata, is_new = read_cells(data, **given), True
        else:
            adata, is_new = (data.to_memory() if data.isbacked else data.copy()) if copy else own(data), copy
        lies_at = str(data) if not isinstance(data, ad.AnnData) else _backing_file(adata)
        patients = []
        for number, (name, rows) in enumerate(rows_by_patient(adata, patient).items()):
            sample = {"sample_id": name, "patient_id": name, "path": lies_at, **given}
            if patient is not None or lies_at is None:
                path = Path(folder) / f"{number}.h5ad"
                write_counts(path, adata, rows, counts)
                sample |= {"path": str(path), "counts": "X"}
            patients.append(Patient(name, rows, sample))
        yield Cells(adata, patients, is_new)


@contextmanager
def named_as_given(name: str = GIVEN) -> Iterator[None]:
    """Messages about temporary files are about what the user gave, of the given name."""
    try:
        yield
    except InputError as error:
        raise InputError(in_users_words(str(error), name)) from error


def in_users_words(text: str, name: str = GIVEN) -> str:
    """A message without the temporary files that the user has never seen."""
    return _TEMPORARY.sub(name, text).replace(" See qc.parquet.", "")


def own(adata: ad.AnnData) -> ad.AnnData:
    """The AnnData itself; a view becomes a copy in its place, so that its parent stays as it is."""
    if adata.is_view:
        adata._init_as_actual(adata.to_memory() if adata.isbacked else adata.copy())
    return adata


def read_cells(path: str | Path, *, counts: str = "X", genes: str = "index", species: str = "human") -> ad.AnnData:
    """The cells of a file in any format that the workflow reads, in memory.

    AnnData files come as they are; of 10x files var has the gene's symbol as its index and `gene_ids`.
    """
    table = _table_of_10x(path, counts=counts, genes=genes, species=species)
    if table is not None:
        return table
    return ad.read_zarr(path) if Path(path).suffix == ".zarr" else ad.read_h5ad(path)


def _table_of_10x(path: str | Path, **given: str) -> ad.AnnData | None:
    """The cells of a 10x file; None of AnnData, which is closed again: HDF5 lets anndata open it only then."""
    opened = open_counts(path, **given)
    if opened.has_table:
        return None
    var = pd.DataFrame({"gene_ids": opened.genes["gene_id"].to_numpy()}, index=opened.genes["symbol"].astype(str))
    adata = ad.AnnData(opened.read(), obs=pd.DataFrame(index=opened.cell_ids), var=var.rename_axis(None))
    adata.var_names_make_unique()
    return adata


def write_counts(
    path: str | Path, adata: ad.AnnData, rows: np.ndarray, counts: str, columns: Sequence[str] = ()
) -> None:
    """Write the matrix `counts` (X, raw or layers/NAME) of some cells, with the text that var has of its genes, and
    some columns of obs."""
    matrix, var = _matrix(adata, counts)
    if not adata.obs_names.is_unique:
        name = adata.obs_names[adata.obs_names.duplicated()][0]
        raise InputError(
            f"{GIVEN}: obs_names: {name!r} occurs more than once. Make them unique (obs_names_make_unique)."
        )
    text = var.select_dtypes(exclude=["number", "bool"]).astype(object)
    text = text[[name for name in text if isinstance(name, str) and name != "_index"]]
    text = text.where(text.notna(), "").astype(str)
    text.index = text.index.astype(str)
    whole = len(rows) == adata.n_obs
    part = matrix if whole and not adata.isbacked else matrix[rows]
    obs = adata.obs.iloc[rows][list(columns)]
    obs.index = adata.obs_names[rows].astype(str)
    ad.AnnData(part, obs=obs, var=text.rename_axis(None)).write_h5ad(path)


def write_reference(path: Path, adata: ad.AnnData, counts: str, columns: Iterable[str | None]) -> str:
    """Write a reference with the obs columns that are named, which have to be there; returns the path."""
    for column in filter(None, columns):
        if column not in adata.obs:
            present = ", ".join(map(str, adata.obs.columns)) or "none"
            raise InputError(f"{GIVEN}: obs has no column {column!r}. Name one of: {present}.")
    write_counts(path, adata, np.arange(adata.n_obs), counts, columns=list(dict.fromkeys(filter(None, columns))))
    return str(path)


def _matrix(adata: ad.AnnData, counts: str) -> tuple[Any, pd.DataFrame]:
    if counts == "X" and adata.X is not None:
        return adata.X, adata.var
    if counts == "raw" and adata.raw is not None:
        return adata.raw.X, adata.raw.var
    name = counts.removeprefix("layers/")
    if counts.startswith("layers/") and name in adata.layers:
        return adata.layers[name], adata.var
    present = [*(["X"] if adata.X is not None else []), *(["raw"] if adata.raw is not None else [])]
    present += [f"layers/{layer}" for layer in adata.layers]
    raise InputError(f"{GIVEN}: counts {counts!r} is not there. Choose one of {', '.join(present) or 'none'}.")


def _backing_file(adata: ad.AnnData) -> str | None:
    """The file behind a backed AnnData; None in memory, or where its cells or genes were changed there."""
    if not adata.isbacked:
        return None
    path = str(adata.filename)
    with h5py.File(path) as file:
        stored = [ad.io.read_elem(file[name]) for name in ("obs", "var")]
    same = stored[0].index.equals(adata.obs.index) and stored[1].equals(adata.var)
    return path if same else None


def rows_by_patient(adata: ad.AnnData, column: str | None) -> dict[str, np.ndarray]:
    """Row numbers of each patient's cells, patients in alphabetical order."""
    if column is None:
        return {"sample": np.arange(adata.n_obs)}
    if column not in adata.obs:
        raise InputError(
            f"{GIVEN}: obs has no column {column!r}. Set patient to one of: {', '.join(map(str, adata.obs.columns))}."
        )
    names = adata.obs[column]
    if names.isna().any():
        cell = adata.obs_names[names.isna().to_numpy()][0]
        raise InputError(f"{GIVEN}: obs column {column!r} has no patient for the cell {cell!r}. Name one, or drop it.")
    texts = names.astype(str).to_numpy()
    return {str(name): np.flatnonzero(texts == name) for name in np.unique(texts)}
