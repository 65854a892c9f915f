"""Odd .h5ad files: matrices and tables that are not what they should be."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from .case import GENES, Case, cells, counts_of

N = 60
MATRIX = counts_of(N)
ALL = (N, len(GENES), float(MATRIX.sum()))
ROW = {"path": "a.h5ad"}


def written(content: Callable[[], ad.AnnData], **row: str) -> Callable[[Path], dict[str, Any]]:
    """A file as anndata writes it."""

    def make(folder: Path) -> dict[str, Any]:
        content().write_h5ad(folder / "a.h5ad")
        return ROW | row

    return make


def edited(change: Callable[[h5py.File], Any], content: Callable[[], ad.AnnData] = cells, **row: str) -> Callable:
    """A file of ordinary cells that `change` spoils in place."""

    def make(folder: Path) -> dict[str, Any]:
        written(content)(folder)
        with h5py.File(folder / "a.h5ad", "r+") as file:
            change(file)
        return ROW | row

    return make


def put(place: str, values: Any, **attributes: str) -> Callable[[h5py.File], None]:
    """The change that puts other values, with the attributes of before or new ones, in a place."""

    def change(file: h5py.File) -> None:
        kept = attributes or dict(file[place].attrs)
        del file[place]
        file[place] = values
        file[place].attrs.update(kept)

    return change


def dense_x(values: Any) -> Callable[[h5py.File], None]:
    return put("X", values, **{"encoding-type": "array"})


def pointers(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[h5py.File], None]:
    """The change of indptr."""

    def spoil(file: h5py.File) -> None:
        put("X/indptr", change(file["X/indptr"][:].copy()))(file)

    return spoil


def with_(*, x: Any = None, layers: dict | None = None, raw: Any = None, **tables: Any) -> Callable[[], ad.AnnData]:
    """Ordinary cells with another X, layers, raw, or columns of obs or var."""

    def content() -> ad.AnnData:
        made = cells(N)
        if raw is not None:
            made.raw = ad.AnnData(raw, obs=made.obs, var=made.var)
        if x is not None:
            made.X = x
        for name, values in (layers or {}).items():
            made.layers[name] = values
        for table, columns in tables.items():
            for name, values in columns.items():
                getattr(made, table)[name] = values
        return made

    return content


def columns_of(matrix: sparse.csr_matrix) -> ad.AnnData:
    made = cells(N)
    made.X = matrix.tocsc()
    return made


def log_normalised() -> sparse.csr_matrix:
    values = MATRIX.toarray()
    return sparse.csr_matrix(np.log1p(values / values.sum(1, keepdims=True) * 1e4).astype(np.float32))


def swap_ends(indptr: np.ndarray) -> np.ndarray:
    indptr[[20, 40]] = indptr[[40, 20]]
    return indptr


def start_at_5(indptr: np.ndarray) -> np.ndarray:
    indptr[0] = 5
    return indptr


def last_alone(indptr: np.ndarray) -> np.ndarray:
    indptr[:-1] = 0
    return indptr


def random_pointers(indptr: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**40, indptr.size)


def cut_off(folder: Path) -> dict[str, str]:
    cells().write_h5ad(folder / "a.h5ad")
    content = (folder / "a.h5ad").read_bytes()
    (folder / "a.h5ad").write_bytes(content[: len(content) // 2])
    return ROW


def content_of(content: bytes) -> Callable[[Path], dict[str, str]]:
    def make(folder: Path) -> dict[str, str]:
        (folder / "a.h5ad").write_bytes(content)
        return ROW

    return make


def foreign(*places: str, name: str = "a.h5ad") -> Callable[[Path], dict[str, str]]:
    """An HDF5 file with the arrays of another program."""

    def make(folder: Path) -> dict[str, str]:
        with h5py.File(folder / name, "w") as file:
            for place in places:
                file[place] = np.arange(4)
        return {"path": name}

    return make


def marked_as_written(folder: Path) -> dict[str, str]:
    """A file whose writer was killed: the mark that it is being written stays."""
    with h5py.File(folder / "open.h5ad", "w", libver="latest") as file:
        file["obs"] = [1]
        file.flush()
        shutil.copy(folder / "open.h5ad", folder / "a.h5ad")
    return ROW


def folder_named(name: str) -> Callable[[Path], dict[str, str]]:
    def make(folder: Path) -> dict[str, str]:
        (folder / name).mkdir()
        return {"path": name}

    return make


def pipe(folder: Path) -> dict[str, str]:
    os.mkfifo(folder / "a.h5ad")
    return ROW


def null_x(file: h5py.File) -> None:
    put("X", h5py.Empty("f4"), **{"encoding-type": "null", "encoding-version": "0.1.0"})(file)


def null_raw(file: h5py.File) -> None:
    file["raw"] = h5py.Empty("f4")
    file["raw"].attrs.update({"encoding-type": "null", "encoding-version": "0.1.0"})


def old_csr(file: h5py.File) -> None:
    for name in list(file["X"].attrs):
        del file["X"].attrs[name]
    file["X"].attrs.update({"h5sparse_format": "csr", "h5sparse_shape": np.array(MATRIX.shape)})


def bytes_as_attributes(file: h5py.File) -> None:
    """Attributes as R writes them: bytes, in lists of one."""
    for place, name in (("X", "encoding-type"), ("obs", "_index"), ("var", "_index"), ("obs", "encoding-type")):
        file[place].attrs[name] = np.array([file[place].attrs[name].encode()])


def old_categories(table: str, name: str) -> Callable[[h5py.File], None]:
    """The change of a categorical column into what anndata 0.7 wrote: codes that refer to texts elsewhere."""

    def change(file: h5py.File) -> None:
        codes, texts = file[table][name]["codes"][:], file[table][name]["categories"].asstr()[:].astype(object)
        del file[table][name]
        kept = file[table].create_dataset(f"__categories/{name}", data=texts, dtype=h5py.string_dtype())
        file[table].create_dataset(name, data=codes).attrs["categories"] = kept.ref
        file[table].attrs["encoding-version"] = "0.1.0"

    return change


def with_antibodies() -> ad.AnnData:
    tags = sparse.csr_matrix(np.random.default_rng(3).poisson(300, (N, 4)).astype(np.float32))
    var = pd.DataFrame(index=[*GENES, "CD3D", "CD19", "CD14", "THY1"])
    var["feature_types"] = pd.Categorical(["Gene Expression"] * len(GENES) + ["Antibody Capture"] * 4)
    made = ad.AnnData(sparse.hstack([MATRIX, tags]).tocsr(), obs=cells(N).obs, var=var)
    made.var_names_make_unique()
    return made


def numbered_genes() -> ad.AnnData:
    made = cells(N)
    made.var["gene_symbols"] = pd.Categorical(GENES)
    made.var_names = [str(number) for number in range(made.n_vars)]
    return made


def unknown_encoding(file: h5py.File) -> None:
    column = file["obs"].create_group("when")
    column.attrs["encoding-type"], column["values"] = "datetime-array", np.arange(N)
    file["obs"].attrs["column-order"] = [*file["obs"].attrs["column-order"], "when"]


def strange_var(file: h5py.File) -> None:
    file["var"].create_group("gene_ids").attrs["encoding-type"] = "datetime-array"


def without_entries(indptr: np.ndarray) -> np.ndarray:
    return np.zeros_like(indptr)


POINTERS = [
    ("starts_at_5", "CSR whose indptr starts at 5: entries of the first cell are lost", start_at_5),
    ("decreases", "CSR whose indptr decreases", swap_ends),
    ("short", "CSR whose indptr lacks its last numbers", lambda indptr: indptr[:-9]),
    ("long", "CSR whose indptr has more numbers than cells", lambda indptr: np.append(indptr, indptr[-1])),
    ("random", "CSR whose indptr is random numbers", random_pointers),
    ("last_alone", "CSR whose indptr is 0 but for its end", last_alone),
    ("zero", "CSR whose indptr is 0 everywhere, though there are values", without_entries),
    ("ends_early", "CSR whose indptr ends before the values do", lambda indptr: np.minimum(indptr, indptr[-1] - 30)),
    ("ends_late", "CSR whose indptr ends after the values do", lambda indptr: indptr + (indptr == indptr[-1])),
    ("negative", "CSR whose indptr is below 0", lambda indptr: np.where(np.arange(indptr.size) == 9, -4, indptr)),
    ("of_floats", "CSR whose indptr is no integer", lambda indptr: indptr + 0.5),
    ("two_dimensions", "CSR whose indptr has two dimensions", lambda indptr: indptr[None]),
]
FOREIGN = [
    ("loom", "A loom file named .h5ad", foreign("matrix", "row_attrs/Gene", "col_attrs/CellID"), "loom"),
    ("loom_h5", "A loom file named .h5", foreign("matrix", "row_attrs/Gene", "col_attrs/CellID", name="a.h5"), "loom"),
    ("seurat", "A Seurat file (.h5Seurat) named .h5", foreign("assays/RNA/x", "cell.names", name="a.h5"), "Seurat"),
    (
        "molecule_info",
        "molecule_info.h5 of Cell Ranger",
        foreign("barcode_idx", "feature_idx", name="a.h5"),
        "molecule",
    ),
    ("mudata", "A MuData file", foreign("mod/rna/X", "mod/prot/X", "obs/x"), "MuData file with prot, rna"),
    ("other_hdf5", "HDF5 of another program", foreign("weights", "optimizer"), "but optimizer, weights"),
    ("matrix_alone", "HDF5 with a dense array called matrix", foreign("matrix", name="a.h5"), "neither AnnData"),
    ("gzip", "An .h5ad compressed by gzip", content_of(gzip.compress(b"\x89HDF\r\n\x1a\n")), "compressed by gzip"),
    ("empty_file", "An .h5ad of 0 bytes", content_of(b""), "empty (0 bytes)"),
    ("web_page", "A page of a web server instead of the file", content_of(b"<!DOCTYPE html><html>"), "web page"),
    ("git_lfs", "A pointer of Git LFS", content_of(b"version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    ("zip", "A zip archive named .h5ad", content_of(b"PK\x03\x04" + bytes(60)), "zip archive"),
    ("text", "A table of text named .h5ad", content_of(b"gene,cell1,cell2\nCD3D,1,2\n"), "not HDF5"),
    ("folder", "A folder named .h5ad", folder_named("a.h5ad"), "a folder, not an .h5ad file"),
    ("pipe", "A named pipe instead of a file", pipe, "a pipe or device"),
    ("marked", "A file that a program was writing when it was killed", marked_as_written, "h5clear"),
]
MATRICES = [
    ("null_x", "X of encoding null", edited(null_x), "is empty (null). The file has no matrix"),
    ("null_x_layer", "X of encoding null, counts in a layer", edited(null_x, with_(layers={"counts": MATRIX})),
     "counts 'X' is empty (null). Choose one of layers/counts."),
    ("no_x", "No X, counts in raw", edited(lambda file: file.pop("X"), with_(raw=MATRIX)), "Choose one of raw."),
    ("null_raw", "raw stored as null, and asked for", edited(null_raw, counts="raw"), "Choose one of X."),
    ("no_layer", "A layer that is not there", written(cells, counts="layers/none"), "Choose one of X."),
    ("obs_as_counts", "counts names the table of cells", written(cells, counts="obs"), "Choose one of X."),
    ("one_dimension", "X of one dimension", edited(dense_x(np.ones(N))), "has 1 dimensions instead of 2"),
    ("three_dimensions", "X of three dimensions", edited(dense_x(np.ones((N, 40, 2)))),
     "has 3 dimensions instead of 2"),
    ("scalar_x", "X is a single number", edited(dense_x(3.0)), "has 0 dimensions"),
    ("compound_x", "X of several fields an entry",
     edited(dense_x(np.zeros((N, 40), [("a", "f4"), ("b", "f4")]))), "several fields"),
    ("text_x", "X of text", edited(dense_x(np.full((N, 40), b"3"))), "holds text"),
    ("boolean_x", "X of true and false", written(with_(x=MATRIX > 2)), "true and false"),
    ("boolean_dense", "Dense X of true and false", written(with_(x=(MATRIX > 2).toarray())), "true and false"),
    ("complex_x", "X of complex numbers", written(with_(x=MATRIX.astype("c8"))), "complex numbers"),
    ("unknown_matrix", "X of an encoding of the future",
     edited(lambda file: file["X"].attrs.update({"encoding-type": "future-matrix"})), "'future-matrix'"),
    ("table_as_x", "X is a table of columns",
     edited(lambda file: (file.pop("X"), file.copy("obs", "X"))), "'dataframe', which is no matrix"),
    ("columns_lost", "A matrix of fewer genes than names", edited(dense_x(np.ones((N, 39)))),
     "39 columns for 40 genes"),
    ("rows_lost", "A matrix of fewer cells than names", edited(dense_x(np.ones((N - 1, 40)))),
     "59 rows for 60 cells"),
    ("shape_lies", "CSR whose shape is said to be larger",
     edited(lambda file: file["X"].attrs.update({"shape": [10**9, 40]})), "1000000000 rows for 60 cells"),
    ("shape_of_floats", "CSR whose shape is no integers",
     edited(lambda file: file["X"].attrs.update({"shape": [60.5, 40.0]})), "shape of the matrix"),
    ("data_longer", "CSR with more values than indices",
     edited(lambda file: put("X/data", np.ones(file["X/data"].size + 7, "f4"))(file)), "do not fit"),
    ("index_too_large", "CSR with a column index beyond the genes",
     edited(lambda file: put("X/indices", file["X/indices"][:] + 9)(file)), "lies outside"),
    ("index_negative", "CSR with a column index below 0",
     edited(lambda file: put("X/indices", file["X/indices"][:] - 1)(file)), "lies outside"),
    ("index_of_floats", "CSR whose column indices are no integers",
     edited(lambda file: put("X/indices", file["X/indices"][:] + 0.0)(file)), "not integers"),
    ("never_written", "CSR whose values were never written",
     edited(lambda file: (file.pop("X/data"), file["X"].create_dataset("data", (file["X/indices"].size,), "f4"))),
     "not in the store"),
    ("csc_decreases", "CSC whose indptr decreases",
     edited(pointers(lambda indptr: np.r_[indptr[:1], indptr[-2:0:-1], indptr[-1:]]), lambda: columns_of(MATRIX)),
     "indptr goes"),
    ("csc_index", "CSC with a row index beyond the cells",
     edited(lambda file: put("X/indices", file["X/indices"][:] + 9)(file), lambda: columns_of(MATRIX)), "lies outside"),
    ("values_missing", "CSR without its values", edited(lambda file: file.pop("X/data")), "cannot be read"),
]  # fmt: skip
TABLES = [
    ("obs_longer", "A table of cells with more names than the matrix has rows",
     edited(put("obs/_index", np.array([f"c{i}" for i in range(70)], "S"))), "60 rows for 70 cells"),
    ("no_index", "obs without the attribute that names its index",
     edited(lambda file: file["obs"].attrs.pop("_index")), "/obs has no index"),
    ("index_nowhere", "The index of var points nowhere",
     edited(lambda file: file["var"].attrs.update({"_index": "gone"})), "/var has no index"),
    ("var_column_short", "A column of gene ids of another length",
     edited(lambda file: file.create_dataset("var/gene_ids", data=np.array(["E"] * 9, "S"))), "9 values for 40 rows"),
    ("var_column_future", "A column of gene ids of unknown encoding", edited(strange_var), "'datetime-array'"),
    ("types_short", "A column of feature types of another length",
     edited(lambda file: file.create_dataset("var/feature_types", data=np.array(["rna"] * 9, "S"))), "9 values"),
    ("codes_out_of_range", "Category codes of gene names beyond the categories",
     edited(lambda file: put("var/gene_symbols/codes", np.full(40, 99))(file), numbered_genes, genes="gene_symbols"),
     "for 40 categories"),
    ("codes_negative", "Category codes of gene names below -1",
     edited(lambda file: put("var/gene_symbols/codes", np.full(40, -7))(file), numbered_genes, genes="gene_symbols"),
     "for 40 categories"),
    ("codes_of_floats", "Category codes that are no integers",
     edited(lambda file: put("var/gene_symbols/codes", np.full(40, 0.5))(file), numbered_genes, genes="gene_symbols"),
     "for 40 categories"),
    ("old_obs", "Tables of anndata before 0.7",
     edited(put("obs", np.zeros(N, [("index", "S8"), ("cell_type", "i1")]))), "before 0.7"),
    ("no_gene_column", "A column of gene names that is not there", written(cells, genes="symbols"), "Choose index"),
]  # fmt: skip
READ = [
    ("old_csr", "X is CSR as anndata 0.6 marks it", edited(old_csr), ""),
    ("null_raw_unasked", "raw stored as null, X asked for", edited(null_raw), ""),
    ("attributes_of_r", "Attributes are bytes in lists, as R writes them", edited(bytes_as_attributes), ""),
    ("future_column", "An obs column of unknown encoding that nobody asked for", edited(unknown_encoding), ""),
    ("short_column_unasked", "An obs column of another length that nobody asked for",
     edited(put("obs/donor/codes", np.zeros(9, "i1"))), ""),
    ("old_antibodies", "anndata 0.7: feature types are codes of categories elsewhere",
     edited(old_categories("var", "feature_types"), with_antibodies), ""),
    ("old_gene_names", "anndata 0.7: gene names are codes of categories elsewhere",
     edited(old_categories("var", "gene_symbols"), numbered_genes, genes="gene_symbols"), ""),
    ("slash_in_gene_column", "A column of gene names with a slash in its name",
     written(with_(var={"gene/name": GENES}), genes="gene/name"), ""),
    ("slash_in_obs_column", "An obs column with a slash in its name", written(with_(obs={"cell/type": "T"})), ""),
    ("csc", "CSC", written(lambda: columns_of(MATRIX)), ""),
    ("integers_64", "Counts as 64-bit integers", written(with_(x=MATRIX.astype(np.int64))), ""),
    ("unsigned_16", "Dense counts as unsigned 16-bit integers", written(with_(x=MATRIX.toarray().astype("u2"))), ""),
    ("half_floats", "Dense counts as 16-bit floats", written(with_(x=MATRIX.toarray().astype("f2"))), ""),
    ("layer", "Counts in a layer, X of true and false",
     written(with_(x=MATRIX > 2, layers={"counts": MATRIX}), counts="layers/counts"), ""),
]  # fmt: skip
NOTED = [
    ("counts_in_layer", "Log-normalised X beside counts in a layer",
     written(with_(x=log_normalised(), layers={"counts": MATRIX})), "layers/counts looks like counts"),
    ("counts_in_raw", "Log-normalised dense X beside counts in raw",
     written(with_(x=log_normalised().toarray(), raw=MATRIX)), "raw looks like counts"),
    ("counts_in_both", "Log-normalised X beside counts in raw and in a CSC layer",
     written(with_(x=log_normalised(), raw=MATRIX, layers={"counts": MATRIX.tocsc(), "scaled": -MATRIX.toarray()})),
     "raw and layers/counts look like counts"),
]  # fmt: skip


CASES = [
    Case("h5ad_cut_off", "An .h5ad whose second half is missing", cut_off, "rejected", says="cannot be read"),
    *[Case(f"h5ad_indptr_{name}", what, edited(pointers(change)), "rejected", says="cannot be read")
      for name, what, change in POINTERS],
    *[Case(f"h5ad_{name}", what, make, "rejected", says=says)
      for name, what, make, says in [*FOREIGN, *MATRICES, *TABLES]],
    *[Case(f"h5ad_{name}", what, make, "read", says=says, holds=ALL) for name, what, make, says in READ],
    *[Case(f"h5ad_{name}", what, make, "read", says=says) for name, what, make, says in NOTED],
]  # fmt: skip
