"""Odd 10x matrix folders and 10x .h5 files."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import sparse

from .case import GENES, Case, counts_of

N_CELLS, N_GENES = 60, len(GENES)
BARCODES = [f"AAACCCAA{number:03d}-1" for number in range(N_CELLS)]
IDS = [f"ENSG{number:011d}" for number in range(N_GENES)]
ALL = (N_CELLS, N_GENES, float(counts_of().sum()))
BANNER = "%%MatrixMarket matrix coordinate integer general\n"


def entries(matrix: sparse.spmatrix | None = None) -> list[tuple[int, int, int]]:
    """Genes, cells (both from 1) and counts."""
    genes_by_cells = sparse.coo_matrix((counts_of() if matrix is None else matrix).T)
    places = zip(genes_by_cells.row + 1, genes_by_cells.col + 1, genes_by_cells.data.astype(int), strict=True)
    return [(int(gene), int(cell), int(value)) for gene, cell, value in places]


def lines(rows: list[Any]) -> str:
    return "".join(f"{row if isinstance(row, str) else ' '.join(map(str, row))}\n" for row in rows)


def market(banner: str = BANNER, sizes: Any = None, rows: list[Any] | None = None, between: str = " ") -> str:
    """matrix.mtx as text."""
    rows = entries() if rows is None else rows
    return banner + "%\n" + lines([sizes or (N_GENES, N_CELLS, len(rows)), *rows]).replace(" ", between)


def features(*columns: list[str], between: str = "\t") -> str:
    return lines([between.join(row) for row in zip(*(columns or (IDS, GENES)), strict=True)])


def folder_of(changed: dict[str, str | bytes | None], folder: Path) -> dict[str, str]:
    """A 10x folder, some files of which are other than usual, added, or (None) missing."""
    files = {"matrix.mtx": market(), "features.tsv": features(), "barcodes.tsv": lines(BARCODES), **changed}
    (folder / "S").mkdir()
    for name, content in files.items():
        if content is not None:
            (folder / "S" / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return {"path": "S"}


def read(name: str, condition: str, changed: dict[str, Any], says: str = "", holds: tuple = ALL) -> Case:
    return Case(name, condition, partial(folder_of, changed), "read", says=says, holds=holds)


def rejected(name: str, condition: str, says: str, changed: dict[str, Any]) -> Case:
    return Case(name, condition, partial(folder_of, changed), "rejected", says=says)


def prefixed(*prefixes: str, suffix: str = "") -> dict[str, Any]:
    """The three files once for each prefix, none without."""
    files = {"matrix.mtx": market(), "genes.tsv": features(), "barcodes.tsv": lines(BARCODES)}
    content = {f"{prefix}{name}{suffix}": text for prefix in prefixes for name, text in files.items()}
    if suffix:
        content = {name: gzip.compress(text.encode()) for name, text in content.items()}
    return {**dict.fromkeys(["matrix.mtx", "features.tsv", "barcodes.tsv"]), **content}


def _aligned() -> str:
    rows = [f"{gene:7d} {cell:6d} {value:8d}" for gene, cell, value in entries()]
    return market(rows=[*rows[:5], "", *rows[5:]], sizes=f"{N_GENES:7d} {N_CELLS:6d} {len(rows):8d}")


def _cells_in_rows() -> str:
    rows = [(cell, gene, value) for gene, cell, value in entries()]
    return market(sizes=(N_CELLS, N_GENES, len(rows)), rows=rows)


def _replaced(row: str, number: int = 7) -> str:
    """matrix.mtx in which an entry, whose gene and cell `row` may name, is another line."""
    rows: list[Any] = entries()
    gene, cell, _ = rows[number]
    rows[number] = row.format(gene=gene, cell=cell)
    return market(rows=rows)


def _r_table(column: list[str]) -> str:
    """What write.table of R makes of a vector."""
    return '"x"\n' + lines([f'"{number}" "{name}"' for number, name in enumerate(column, 1)])


def _r_factor() -> str:
    return lines([f'"{number}"\t"{name}"' for number, name in enumerate(BARCODES, 1)])


MATRIX_MARKET = [
    read("mtx_tabs", "matrix.mtx with tabs between the numbers", {"matrix.mtx": market(between="\t")}),
    read("mtx_aligned", "matrix.mtx in columns, with an empty line", {"matrix.mtx": _aligned()}),
    read(
        "mtx_mixed",
        "matrix.mtx whose blanks are now one, now many",
        {"matrix.mtx": _replaced("{gene}  {cell}\t4")},
        holds=None,
    ),
    read("mtx_crlf", "matrix.mtx with line ends of Windows", {"matrix.mtx": market().replace("\n", "\r\n")}),
    read("mtx_trailing_blanks", "matrix.mtx with blanks at line ends", {"matrix.mtx": market().replace("\n", " \n")}),
    read("mtx_no_last_end", "matrix.mtx without an end of its last line", {"matrix.mtx": market().rstrip()}),
    read("mtx_bom", "matrix.mtx with a byte order mark", {"matrix.mtx": "\ufeff" + market()}),
    read(
        "mtx_comments", "Comments between the entries", {"matrix.mtx": market().replace("\n1 1 ", "\n% by hand\n1 1 ")}
    ),
    read("mtx_upper_case", "A banner in capitals", {"matrix.mtx": market(BANNER.upper())}),
    read("mtx_double", "Values as scientific notation", {"matrix.mtx": market().replace("\n1 1 ", "\n1e+00 1 0")}),
    read(
        "mtx_field_double",
        "A banner that calls the values double",
        {"matrix.mtx": market(BANNER.replace("integer", "double"))},
    ),
    read(
        "mtx_gzip_members",
        "A .gz of several parts, as bgzip writes",
        {
            "matrix.mtx": None,
            "matrix.mtx.gz": b"".join(gzip.compress(part.encode()) for part in market().partition("%\n")),
        },
    ),
    read("mtx_gz_by_name", "A plain file that is called .gz", {"matrix.mtx": None, "matrix.mtx.gz": market()}),
    read("mtx_gz_inside", "A gzip file that is not called .gz", {"matrix.mtx": gzip.compress(market().encode())}),
    read(
        "mtx_cells_in_rows",
        "Cells in rows, genes in columns",
        {"matrix.mtx": _cells_in_rows()},
        says="the rows of matrix.mtx are cells",
    ),
    rejected(
        "mtx_pattern", "Entries without values", "pattern", {"matrix.mtx": market(BANNER.replace("integer", "pattern"))}
    ),
    rejected(
        "mtx_array",
        "A dense MatrixMarket file",
        "dense matrix (array)",
        {"matrix.mtx": "%%MatrixMarket matrix array real general\n40 60\n"},
    ),
    rejected(
        "mtx_symmetric",
        "A symmetric matrix",
        "symmetric",
        {"matrix.mtx": market(BANNER.replace("general", "symmetric"))},
    ),
    rejected("mtx_complex", "Complex values", "complex", {"matrix.mtx": market(BANNER.replace("integer", "complex"))}),
    rejected(
        "mtx_no_banner", "matrix.mtx without its first line", "its first line is '40 60", {"matrix.mtx": market("")[2:]}
    ),
    rejected("mtx_empty_file", "matrix.mtx of no bytes", "not MatrixMarket", {"matrix.mtx": ""}),
    rejected(
        "mtx_is_csv", "A table of commas called matrix.mtx", "not MatrixMarket", {"matrix.mtx": "gene,cell\n1,2\n"}
    ),
    rejected("mtx_no_sizes", "matrix.mtx that ends after its banner", "no line of sizes", {"matrix.mtx": BANNER}),
    rejected(
        "mtx_fewer_entries",
        "Fewer entries than the line of sizes says",
        "cut off",
        {"matrix.mtx": market(sizes=(N_GENES, N_CELLS, 2399))},
    ),
    rejected(
        "mtx_more_entries",
        "More entries than the line of sizes says",
        "more entries than the 7",
        {"matrix.mtx": market(sizes=(N_GENES, N_CELLS, 7))},
    ),
    rejected(
        "mtx_terabytes",
        "A line of sizes with 10^12 entries",
        "1000000000000 entries",
        {"matrix.mtx": market(sizes=(N_GENES, N_CELLS, 10**12))},
    ),
    rejected(
        "mtx_many_cells",
        "A line of sizes with 10^9 cells",
        "40 x 1000000000",
        {"matrix.mtx": market(sizes=(N_GENES, 10**9, 7))},
    ),
    rejected(
        "mtx_huge_number",
        "A line of sizes with a number of 5,000 digits",
        "line of sizes",
        {"matrix.mtx": market(sizes="9" * 5000 + " 60 7")},
    ),
    rejected("mtx_row_zero", "Places counted from 0", "row 0", {"matrix.mtx": _replaced("0 8 2")}),
    rejected("mtx_row_beyond", "A row beyond the matrix", "row 41", {"matrix.mtx": _replaced("41 8 2")}),
    rejected("mtx_column_beyond", "A column beyond the matrix", "column 61", {"matrix.mtx": _replaced("1 61 2")}),
    rejected(
        "mtx_column_vast",
        "A column of 20 digits",
        "column 2147483647",
        {"matrix.mtx": _replaced("1 99999999999999999999 2")},
    ),
    rejected("mtx_half_row", "A row number of 1.5", "no whole number", {"matrix.mtx": _replaced("1.5 8 2")}),
    rejected("mtx_negative", "A negative value", "negative", {"matrix.mtx": _replaced("{gene} {cell} -2")}),
    rejected("mtx_nan", "A value NaN", "NaN", {"matrix.mtx": _replaced("1 8 NaN")}),
    rejected("mtx_na", "A value NA, as R writes it", "'1 8 NA'", {"matrix.mtx": _replaced("1 8 NA")}),
    rejected("mtx_two_numbers", "An entry of two numbers", "'1 8'", {"matrix.mtx": _replaced("1 8")}),
    rejected("mtx_text", "Text among the entries", "'<html>'", {"matrix.mtx": _replaced("<html>")}),
    rejected(
        "mtx_gz_cut",
        "matrix.mtx.gz whose end is missing",
        "cannot be read",
        {"matrix.mtx": None, "matrix.mtx.gz": gzip.compress(market().encode())[:-30]},
    ),
    rejected("mtx_all_zero", "A matrix without entries", "0 of 60 cells", {"matrix.mtx": market(rows=[])}),
    rejected(
        "mtx_no_cells",
        "A matrix of 0 cells",
        "0 cells",
        {"matrix.mtx": market(sizes=(N_GENES, 0, 0), rows=[]), "barcodes.tsv": ""},
    ),
    rejected(
        "mtx_no_genes",
        "A matrix of 0 genes",
        "0 genes",
        {"matrix.mtx": market(sizes=(0, N_CELLS, 0), rows=[]), "features.tsv": ""},
    ),
]

TABLES = [
    read("features_header", "features.tsv with a header", {"features.tsv": "ENSEMBL\tSYMBOL\n" + features()}),
    read(
        "features_odd_header",
        "A header of unusual words above Ensembl ids",
        {"features.tsv": "Nr\tBezeichnung\n" + features()},
    ),
    read("features_one_column", "genes.tsv of symbols alone", {"features.tsv": None, "genes.tsv": lines(GENES)}),
    read(
        "features_quoted",
        "Quoted fields, as R writes them",
        {"features.tsv": features([f'"{name}"' for name in IDS], [f'"{name}"' for name in GENES])},
    ),
    read(
        "features_row_numbers",
        "Row numbers in front, and R's header, which has none for them",
        {"features.tsv": '"V1"\t"V2"\n' + features([f'"{n}"' for n in range(1, N_GENES + 1)], IDS, GENES)},
    ),
    read("features_of_r", "genes.tsv as write.table of R makes it of a vector", {"features.tsv": _r_table(GENES)}),
    read("features_commas", "features.tsv separated by commas", {"features.tsv": features(between=",")}),
    read(
        "features_crlf_bom",
        "features.tsv with a byte order mark and line ends of Windows",
        {"features.tsv": "\ufeff" + features().replace("\n", "\r\n")},
    ),
    read(
        "features_blank_end",
        "Blank lines at the end",
        {"features.tsv": features() + "\n\n", "barcodes.tsv": lines(BARCODES) + "\n \n"},
    ),
    read("features_swapped", "The symbol before the Ensembl id", {"features.tsv": features(GENES, IDS)}),
    read("features_no_symbol", "A feature without a symbol", {"features.tsv": features(IDS, ["", *GENES[1:]])}),
    read(
        "features_chromosome",
        "A chromosome where the type belongs",
        {"features.tsv": features(IDS, GENES, ["chr1", "X"] * 20)},
    ),
    read(
        "features_six_columns",
        "Six columns, as of Cell Ranger ARC",
        {"features.tsv": features(IDS, GENES, ["Gene Expression"] * 40, ["chr1"] * 40, ["5"] * 40, ["9"] * 40)},
    ),
    read(
        "features_and_genes",
        "features.tsv of another run beside the genes.tsv that fits",
        {"features.tsv": features() + "X\tX\n", "genes.tsv": features()},
    ),
    read("features_spaces", "An id and a symbol with a blank between", {"features.tsv": features(between=" ")}),
    read("barcodes_header", "barcodes.tsv with a header", {"barcodes.tsv": "barcode\n" + lines(BARCODES)}),
    read("barcodes_of_r", "barcodes.tsv as write.table of R makes it", {"barcodes.tsv": _r_table(BARCODES)}),
    read("barcodes_row_numbers", "barcodes.tsv with row numbers in front", {"barcodes.tsv": _r_factor()}),
    rejected(
        "features_line_more",
        "features.tsv has one line more, which is no header",
        "one line more",
        {"features.tsv": features() + "ENSG00000099999\tNEW\n"},
    ),
    rejected(
        "barcodes_other_run",
        "barcodes.tsv of another run",
        "Give the three files of one run",
        {"barcodes.tsv": lines(BARCODES[:50])},
    ),
    rejected(
        "barcodes_twice",
        "A barcode occurs twice",
        "occurs more than once",
        {"barcodes.tsv": lines([*BARCODES[:-1], BARCODES[0]])},
    ),
    rejected(
        "barcodes_empty_name",
        "A barcode is empty",
        "a barcode is empty",
        {"barcodes.tsv": lines([BARCODES[0], "", *BARCODES[2:]])},
    ),
    rejected(
        "barcodes_utf16", "barcodes.tsv in UTF-16", "cannot be read", {"barcodes.tsv": lines(BARCODES).encode("utf-16")}
    ),
]

NAMES = [
    read("geo_prefix", "Names that begin with a sample's accession", prefixed("GSM100_P1_")),
    read("geo_prefix_dots", "The same with dots and dashes, and .gz", prefixed("GSM100_P-1.a.", suffix=".gz")),
    read(
        "geo_prefix_mac",
        "The same beside hidden files of macOS",
        {**prefixed("GSM100_P1_"), "._GSM100_P1_matrix.mtx": b"\0"},
    ),
    read(
        "geo_shared_genes",
        "One prefix, but a table of features without",
        {**prefixed("GSM100_P1_"), "GSM100_P1_genes.tsv": None, "features.tsv": features()},
    ),
    read(
        "plain_beside_geo",
        "The three names, and others with prefixes",
        {**prefixed("GSM1_", ""), "GSM2_matrix.mtx": ""},
    ),
    rejected(
        "geo_several",
        "A folder of two samples",
        "several matrices (GSM1_P1, GSM2_P2)",
        prefixed("GSM1_P1_", "GSM2_P2_"),
    ),
    rejected(
        "folder_no_barcodes",
        "A folder without barcodes.tsv",
        "barcodes.tsv (or .gz) is missing",
        {"barcodes.tsv": None},
    ),
    rejected(
        "folder_other_names",
        "A folder whose files have other names",
        "this one holds cells.txt, features.tsv, matrix.mtx",
        {"barcodes.tsv": None, "cells.txt": lines(BARCODES)},
    ),
]


def h5_of(spoil: Callable[[h5py.Group], None], folder: Path, *, name: str = "matrix") -> dict[str, str]:
    """A 10x .h5 of version 3, on which `spoil` works."""
    matrix = counts_of()
    with h5py.File(folder / "S.h5", "w") as file:
        group = file.create_group(name)
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part).astype("i4")
        group["shape"], group["barcodes"] = np.array([N_GENES, N_CELLS], "i4"), np.array(BARCODES, "S")
        table = {
            "id": IDS,
            "name": GENES,
            "feature_type": ["Gene Expression"] * N_GENES,
            "genome": ["GRCh38"] * N_GENES,
        }
        for column, values in table.items():
            group[f"features/{column}"] = np.array(values, "S")
        spoil(group)
    return {"path": "S.h5"}


def put(**members: Any) -> Callable[[h5py.Group], None]:
    """Replace members of the matrix (two underscores stand for the slash of a path), or delete them (None)."""

    def spoil(group: h5py.Group) -> None:
        for place, value in members.items():
            path = place.replace("__", "/")
            if path in group:
                del group[path]
            if value is not None:
                group[path] = value

    return spoil


def h5(name: str, condition: str, says: str, spoil: Callable[[h5py.Group], None], outcome: str = "rejected") -> Case:
    holds = ALL if outcome == "read" else None
    return Case(name, condition, partial(h5_of, spoil), outcome, says=says, holds=holds)


def _probes(group: h5py.Group) -> None:
    """Two probes a gene with the counts of `counts_of` each, the last one deprecated."""
    twice = sparse.hstack([counts_of(), counts_of()]).tocsr()
    ids, names = [*IDS, *IDS[:-1], "DEPRECATED_ENSG00000000039"], [*GENES, *GENES[:-1], "DEPRECATED_ENSG00000000039"]
    probes = [f"{name}|a{number:06d}" for number, name in enumerate(names)]
    table = {"id": [f"{gene_id}|{probe}" for gene_id, probe in zip(ids, probes, strict=True)], "name": probes}
    table |= {"gene_id": ids, "gene_name": names, "feature_type": ["Gene Expression"] * 80, "genome": ["GRCh38"] * 80}
    put(data=twice.data, indices=twice.indices, indptr=twice.indptr, shape=np.array([80, 60]))(group)
    put(**{f"features__{name}": np.array(values, "S") for name, values in table.items()})(group)


def _antibodies(group: h5py.Group) -> None:
    put(features__feature_type=np.array(["Antibody Capture"] * N_GENES, "S"))(group)


INDPTR = counts_of().indptr
H5 = [
    h5(
        "h5_duplicate_barcodes",
        "A 10x .h5 in which a barcode occurs twice",
        "occurs more than once",
        put(barcodes=np.array([BARCODES[0], *BARCODES[:-1]], "S")),
    ),
    h5(
        "h5_fewer_barcodes",
        "Fewer barcodes than the shape says",
        "61 starts do not fit 50 lines",
        put(barcodes=np.array(BARCODES[:50], "S")),
    ),
    h5("h5_no_shape", "A 10x .h5 without shape", "no shape", put(shape=None)),
    h5("h5_shape_of_one", "A shape of one number", "shape is [40]", put(shape=np.array([40]))),
    h5(
        "h5_shape_of_other_cells",
        "A shape of 10^9 cells beside barcodes and entries of 60",
        "says 1000000000 cells, its barcodes are of 60",
        put(shape=np.array([40, 10**9])),
        "read",
    ),
    h5("h5_no_data", "A 10x .h5 without data and indices", "no data and no indices", put(data=None, indices=None)),
    h5("h5_no_features", "A 10x .h5 without its table of features", "neither ids nor names", put(features=None)),
    h5("h5_features_array", "A table of features that is a list", "no table", put(features=np.zeros(40))),
    h5(
        "h5_features_short",
        "Features with fewer names than ids",
        "different lengths",
        put(features__name=np.array(GENES[:30], "S")),
    ),
    h5("h5_no_ids", "Features with names alone", "", put(features__id=None), "read"),
    h5("h5_text_data", "Counts stored as text", "not numbers", put(data=np.array(["1"] * counts_of().nnz, "S"))),
    h5("h5_indices_short", "Fewer indices than counts", "9 indices", put(indices=np.zeros(9, "i4"))),
    h5("h5_indptr_short", "Fewer starts of cells than cells", "56 starts", put(indptr=INDPTR[:-5])),
    h5(
        "h5_indices_beyond",
        "A gene number beyond the matrix",
        "column index lies outside",
        put(indices=np.full(counts_of().nnz, 40)),
    ),
    h5(
        "h5_empty_barcode", "A barcode is empty", "a barcode is empty", put(barcodes=np.array(["", *BARCODES[1:]], "S"))
    ),
    Case(
        "h5_probes",
        "Probes instead of genes, one of them deprecated",
        partial(h5_of, _probes),
        "read",
        says="the features are probes: those of a gene were summed, 1 were left out",
        holds=(N_CELLS, N_GENES, 2 * ALL[2] - float(counts_of()[:, -1].sum())),
    ),
    Case(
        "h5_antibodies_alone",
        "A 10x .h5 of antibodies alone",
        partial(h5_of, _antibodies),
        "rejected",
        says="Antibody Capture",
    ),
    rejected(
        "folder_antibodies_alone",
        "A 10x folder of antibodies alone",
        "Antibody Capture",
        {"features.tsv": features(IDS, GENES, ["Antibody Capture"] * N_GENES)},
    ),
]

CASES = [*MATRIX_MARKET, *TABLES, *NAMES, *H5]
