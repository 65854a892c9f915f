"""10x folders: which files are read, in which orientation, and with how much memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from odd_inputs.tenx_files import BARCODES, GENES, entries, features, folder_of, lines, market
from scipy import sparse

from cellcohort.core.errors import InputError
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.formats import matrix_market
from cellcohort.inputs.sample_sheet import matrix_files


def test_planning_and_reading_know_the_same_files(tmp_path):
    changed = {"matrix.mtx": None, "features.tsv": None, "barcodes.tsv": None}
    files = {
        "GSM1.P-1_matrix.mtx": market(),
        "GSM1.P-1_genes.tsv": features(),
        "GSM1.P-1_barcodes.tsv": lines(BARCODES),
    }
    folder_of({**changed, **files, "._GSM1.P-1_matrix.mtx": b"", "GSM1.P-1_readme.txt": ""}, tmp_path)
    assert set(matrix_files(tmp_path / "S")) == {str(tmp_path / "S" / name) for name in files}
    assert open_counts(tmp_path / "S").n_cells == len(BARCODES)


def test_files_with_braces_in_their_names_are_no_inputs(tmp_path):
    folder_of({"matrix.mtx": None, "{P}_matrix.mtx": market()}, tmp_path)
    assert all("{" not in file for file in matrix_files(tmp_path / "S"))


@pytest.mark.parametrize("size", [40, 400, 4000])
@pytest.mark.parametrize("between", [" ", "\t", "  "])
def test_blocks_end_at_lines(tmp_path, monkeypatch, size, between):
    folder_of({}, tmp_path)
    expected = open_counts(tmp_path / "S").read()
    monkeypatch.setattr(matrix_market, "BLOCK", size)
    (tmp_path / "S" / "matrix.mtx").write_text(market(between=between))
    assert (open_counts(tmp_path / "S").read() != expected).nnz == 0


def test_places_such_as_1e05_are_read(tmp_path):
    n_cells = 100_001
    rows = ["1 1e+05 3", "40 100001 2.0E0", "2 1 +5"]
    barcodes = [f"cell{number}" for number in range(n_cells)]
    folder_of({"matrix.mtx": market(rows=rows, sizes="40 100001 3e0"), "barcodes.tsv": lines(barcodes)}, tmp_path)
    read = open_counts(tmp_path / "S").read()
    assert (read[99_999, 0], read[100_000, 39], read[0, 1], read.sum()) == (3, 2, 5, 10)


def test_a_square_matrix_is_genes_by_cells(tmp_path):
    rows = [entry for entry in entries() if entry[1] <= 40]
    changed = {"matrix.mtx": market(rows=rows, sizes=(40, 40, len(rows))), "barcodes.tsv": lines(BARCODES[:40])}
    folder_of(changed, tmp_path)
    counts = open_counts(tmp_path / "S")
    gene, cell, value = np.array(rows).T
    expected = sparse.csr_matrix((value, (cell - 1, gene - 1)), shape=(40, 40))
    assert (counts.read() != expected).nnz == 0
    assert counts.notes == ()


def test_the_order_of_cells_in_rows(tmp_path):
    folder_of({}, tmp_path)
    expected = open_counts(tmp_path / "S").read()
    rows = [(cell, gene, value) for gene, cell, value in entries()]
    (tmp_path / "S" / "matrix.mtx").write_text(market(rows=rows, sizes=(60, 40, len(rows))))
    assert (open_counts(tmp_path / "S").read() != expected).nnz == 0


def test_a_gene_without_a_symbol_is_called_by_its_id(tmp_path):
    folder_of({"features.tsv": features([f"id{number}" for number in range(40)], ["", "NA", *GENES[2:]])}, tmp_path)
    assert open_counts(tmp_path / "S").genes["symbol"].tolist() == ["id0", "id1", *GENES[2:]]


@pytest.mark.parametrize("sizes", [(40, 60, 10**12), (40, 10**9, 10), (10**9, 60, 10), (10**9, 10**9, 10**12)])
def test_sizes_that_are_too_large_take_no_memory(tmp_path, sizes):
    folder_of({"matrix.mtx": market(sizes=sizes)}, tmp_path)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"matrix\.mtx"):
        open_counts(tmp_path / "S").read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
