"""Every container gives the same cells, genes and values; the kind of values is told; bad files are named."""

from __future__ import annotations

import gzip
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import io, sparse

from cellcohort.core.errors import InputError
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.stores import backed_matrix

N_CELLS, N_GENES = 60, 40
IDS = [f"ENSG{number:011d}" for number in range(N_GENES)]
SYMBOLS = [f"GENE{number}" for number in range(N_GENES)]
CONTAINERS = [
    "csr.h5ad",
    "csc.h5ad",
    "dense.h5ad",
    "raw.h5ad",
    "layer.h5ad",
    "v2.zarr",
    "v3.zarr",
    "csc.zarr",
    "tenx_v3.h5",
    "tenx_v2.h5",
    "plain_folder",
    "gz_folder",
]


def counts_matrix(n_cells: int = N_CELLS, n_genes: int = N_GENES, seed: int = 0) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix(rng.negative_binomial(0.4, 0.1, (n_cells, n_genes)).astype(np.float32))


def sample(matrix, **var) -> ad.AnnData:
    obs = pd.DataFrame({"cell_type": "T"}, index=[f"cell{number}" for number in range(matrix.shape[0])])
    index = SYMBOLS[: matrix.shape[1]]
    return ad.AnnData(matrix, obs=obs, var=pd.DataFrame(var, index=index))


def write(path: Path, matrix: sparse.csr_matrix) -> dict[str, str]:
    """Write `matrix` in the form that the name of `path` says; returns the options of open_counts."""
    content = sample(matrix, gene_ids=IDS)
    if path.suffix in (".h5ad", ".zarr"):
        return write_anndata(path, content)
    if path.suffix == ".h5":
        write_tenx_h5(path, matrix)
    else:
        write_folder(path, matrix, suffix=".gz" if path.name.startswith("gz") else "")
    return {}


def write_anndata(path: Path, content: ad.AnnData) -> dict[str, str]:
    matrix = content.X
    if path.stem == "csc":
        content.X = matrix.tocsc()
    elif path.stem == "dense":
        content.X = matrix.toarray()
    elif path.stem == "raw":
        content.raw = content.copy()
        content = content[:, :5].copy()
    elif path.stem == "layer":
        content.layers["counts"] = matrix
        content.X = None
    if path.suffix == ".h5ad":
        content.write_h5ad(path, compression="gzip")
    else:
        before = ad.settings.zarr_write_format
        ad.settings.zarr_write_format = 2 if path.stem == "v2" else 3
        content.write_zarr(path)
        ad.settings.zarr_write_format = before
    return {"raw": {"counts": "raw"}, "layer": {"counts": "layers/counts"}}.get(path.stem, {})


def write_tenx_h5(path: Path, matrix: sparse.csr_matrix) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix" if "v3" in path.stem else "GRCh38")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(matrix, name).astype("i4")
        group["shape"] = np.array(matrix.shape[::-1], dtype="i4")
        group["barcodes"] = [f"cell{number}".encode() for number in range(matrix.shape[0])]
        if "v3" in path.stem:
            group["features/id"], group["features/name"] = [i.encode() for i in IDS], [s.encode() for s in SYMBOLS]
            group["features/feature_type"] = [b"Gene Expression"] * len(IDS)
        else:
            group["genes"], group["gene_names"] = [i.encode() for i in IDS], [s.encode() for s in SYMBOLS]


def write_folder(path: Path, matrix: sparse.csr_matrix, *, suffix: str = "", kinds: list[str] | None = None) -> None:
    path.mkdir()
    io.mmwrite(path / "matrix.mtx", matrix.T.tocoo().astype("i4"), field="integer")
    names = zip(IDS, SYMBOLS, kinds or ["Gene Expression"] * len(IDS), strict=True)
    (path / "features.tsv").write_text("".join("\t".join(row) + "\n" for row in names))
    (path / "barcodes.tsv").write_text("".join(f"cell{number}\n" for number in range(matrix.shape[0])))
    if suffix:
        for file in list(path.iterdir()):
            (path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_gives_the_same(tmp_path: Path, name: str) -> None:
    matrix = counts_matrix()
    counts = open_counts(tmp_path / name, **write(tmp_path / name, matrix))
    assert (counts.n_cells, counts.n_genes, counts.kind) == (N_CELLS, N_GENES, "counts")
    assert counts.cell_ids.tolist() == [f"cell{number}" for number in range(N_CELLS)]
    assert counts.genes["symbol"].tolist() == SYMBOLS
    assert counts.genes["gene_id"].tolist() == IDS
    assert counts.obs_columns == (["cell_type"] if "tenx" not in name and "folder" not in name else [])
    read = counts.read()
    assert isinstance(read, sparse.csr_matrix)
    assert read.dtype == np.float32
    assert (read != matrix).nnz == 0


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_text_of_pandas_own_type_is_read(tmp_path: Path, name: str) -> None:
    names = {"name": pd.array(SYMBOLS, "string"), "gene_ids": pd.array([*IDS[:-1], None], "string")}
    with ad.settings.override(allow_write_nullable_strings=True):
        write_anndata(tmp_path / name, sample(counts_matrix(), **names))
    genes = open_counts(tmp_path / name, genes="name").genes
    assert genes["symbol"].tolist() == SYMBOLS
    assert genes["gene_id"].tolist() == [*IDS[:-1], None]


@pytest.mark.parametrize("name", ["csr.h5ad", "csc.h5ad", "dense.h5ad", "v3.zarr", "tenx_v3.h5", "gz_folder"])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_chunks_of_some_rows(tmp_path: Path, monkeypatch, name: str, size: int) -> None:
    monkeypatch.setattr(backed_matrix, "BLOCK", 100)
    matrix = counts_matrix()
    counts = open_counts(tmp_path / name, **write(tmp_path / name, matrix))
    rows = np.array([0, 3, 4, 5, 20, 59])
    parts, chunks = zip(*counts.chunks(rows, size=size), strict=True)
    assert np.concatenate(parts).tolist() == rows.tolist()
    assert all(chunk.shape[0] == part.size <= size for part, chunk in zip(parts, chunks, strict=True))
    assert all(chunk.has_sorted_indices for chunk in chunks)
    assert (sparse.vstack(chunks) != matrix[rows]).nnz == 0
    assert (counts.read() != matrix).nnz == 0


@pytest.mark.parametrize(
    "name", ["csr.h5ad", "csc.h5ad", "dense.h5ad", "v2.zarr", "v3.zarr", "tenx_v3.h5", "gz_folder"]
)
def test_no_cells(tmp_path: Path, name: str) -> None:
    counts = open_counts(tmp_path / name, **write(tmp_path / name, counts_matrix()[:0]))
    assert (counts.n_cells, counts.n_genes, counts.kind, counts.cell_ids.size) == (0, N_GENES, "counts", 0)
    assert counts.read().shape == (0, N_GENES)


def test_stored_zeros_and_unsorted_indices_are_cleaned(tmp_path: Path) -> None:
    matrix = sparse.csr_matrix(
        (np.array([3, 0, 1, 2], "f4"), np.array([5, 1, 0, 4]), np.array([0, 3, 4])), shape=(2, N_GENES)
    )
    sample(matrix).write_h5ad(tmp_path / "a.h5ad")
    read = open_counts(tmp_path / "a.h5ad").read()
    assert (read.data.tolist(), read.indices.tolist()) == ([1, 3, 2], [0, 5, 4])


@pytest.mark.parametrize("form", ["folder", "h5ad"])
def test_antibodies_are_left_out(tmp_path: Path, form: str) -> None:
    kinds = ["Gene Expression"] * (N_GENES - 3) + ["Antibody Capture"] * 3
    matrix = counts_matrix()
    if form == "folder":
        write_folder(tmp_path / "a", matrix, kinds=kinds)
    else:
        sample(matrix, feature_types=kinds).write_h5ad(tmp_path / "a")
    counts = open_counts(tmp_path / "a")
    assert counts.n_genes == len(counts.genes) == N_GENES - 3
    assert (counts.read() != matrix[:, :-3]).nnz == 0


@pytest.mark.parametrize(
    ("index", "var", "option", "symbols", "ids"),
    [
        (["A", "B"], {}, "index", ["A", "B"], [None, None]),
        (["ENSG00000000001.4", "ENSG00000000002_PAR_Y"], {}, "index", None, ["ENSG00000000001", "ENSG00000000002"]),
        (["ENSG00000000001", "x"], {"feature_name": ["A", "B"]}, "index", ["A", "x"], ["ENSG00000000001", None]),
        (["1", "2"], {"name": ["A", "ENSMUSG00000000002.1"]}, "name", None, [None, "ENSMUSG00000000002"]),
        (["A", "B"], {"id": ["ENSG00000000001", ""]}, "id", None, ["ENSG00000000001", None]),
        (["A", "B"], {"name": pd.Categorical(["C", None])}, "name", ["C", "B"], [None, None]),
    ],
)
def test_gene_names(tmp_path: Path, index, var, option, symbols, ids) -> None:
    content = ad.AnnData(sparse.csr_matrix(np.ones((3, 2), np.float32)), var=pd.DataFrame(var, index=index))
    content.write_h5ad(tmp_path / "a.h5ad")
    genes = open_counts(tmp_path / "a.h5ad", genes=option).genes
    assert genes["gene_id"].tolist() == ids
    assert symbols is None or genes["symbol"].tolist() == symbols
    assert genes["symbol"].notna().all()


def kinds_of_values() -> dict[str, tuple[str, object]]:
    counts = counts_matrix(300, 200).toarray() + np.eye(300, 200, dtype=np.float32)
    rng = np.random.default_rng(1)
    normalised = counts / counts.sum(1, keepdims=True) * 1e4
    lengths = rng.uniform(0.2, 3, (1, 200)).astype(np.float32)
    half = counts.copy()
    half[:, ::7] += 0.5
    return {
        "counts": ("counts", counts),
        "log1p": ("log-normalised", np.log1p(normalised)),
        "log1p of some genes": ("log-normalised", np.log1p(normalised[:, :120])),
        "log2": ("log-normalised", np.log2(normalised + 1)),
        "log2 of raw counts": ("log-normalised", np.log2(counts + 1)),
        "log of gene-length normalised": ("log-normalised", np.log1p(normalised * lengths)),
        "per 10,000": ("normalised", normalised),
        "per 10,000, some genes": ("normalised", normalised[:, :120]),
        "expected counts": ("expected counts", counts * rng.uniform(0.8, 1, counts.shape).astype(np.float32) * 5),
        "fractions of a half": ("expected counts", half),
        "mostly integer": ("expected counts", np.where(rng.random(counts.shape) < 0.05, counts * 0.37, counts)),
    }


@pytest.mark.parametrize("case", kinds_of_values())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kind_of_values(tmp_path: Path, case: str, dtype: type) -> None:
    kind, values = kinds_of_values()[case]
    sample_of = ad.AnnData(sparse.csr_matrix(values.astype(dtype)))
    sample_of.write_h5ad(tmp_path / "a.h5ad")
    assert open_counts(tmp_path / "a.h5ad").kind == kind


def test_all_ones_are_no_counts(tmp_path: Path) -> None:
    ones = (counts_matrix(300, 200) > 0).astype(np.float32)
    ad.AnnData(ones).write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InputError, match="which genes were found, not how often"):
        _ = open_counts(tmp_path / "a.h5ad").kind


def test_first_cells_do_not_decide(tmp_path: Path) -> None:
    values = counts_matrix(6000, 30).toarray()
    values[200:] *= 0.731
    values[::9, 0] = 4.44
    ad.AnnData(sparse.csr_matrix(values)).write_h5ad(tmp_path / "a.h5ad")
    assert open_counts(tmp_path / "a.h5ad").kind != "counts"
    values = counts_matrix(6000, 30).toarray()
    values[4500:] *= 0.731
    ad.AnnData(sparse.csr_matrix(values)).write_h5ad(tmp_path / "last.h5ad")
    assert open_counts(tmp_path / "last.h5ad").kind != "counts"


@pytest.mark.parametrize("base", ["e", "2"])
def test_logarithms_are_undone(tmp_path: Path, base: str) -> None:
    counts = counts_matrix(100, 80).toarray() + 1
    values = np.log1p(counts) if base == "e" else np.log2(counts * 1.7 + 1)
    expected = counts if base == "e" else counts * 1.7
    ad.AnnData(sparse.csr_matrix(values.astype(np.float32))).write_h5ad(tmp_path / "a.h5ad")
    counts_file = open_counts(tmp_path / "a.h5ad")
    assert counts_file.kind == "log-normalised"
    np.testing.assert_allclose(counts_file.read().toarray(), expected, rtol=1e-5)


@pytest.mark.parametrize(("value", "message"), [(-1.5, "scaled"), (np.nan, "NaN"), (np.inf, "infinite")])
@pytest.mark.parametrize("row", [0, 4100])
def test_bad_values_are_refused(tmp_path: Path, value: float, message: str, row: int) -> None:
    values = counts_matrix(5000, 10).toarray()
    values[row, 3] = value
    ad.AnnData(sparse.csr_matrix(values)).write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InputError, match=rf"a\.h5ad.*{message}"):
        list(open_counts(tmp_path / "a.h5ad").chunks())


def test_duplicate_cells_are_named(tmp_path: Path) -> None:
    content = sample(counts_matrix())
    content.obs_names = ["a", "twin", "twin", *content.obs_names[3:]]
    content.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InputError, match="'twin' occurs more than once"):
        _ = open_counts(tmp_path / "a.h5ad").cell_ids


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": "layers/none"}, "Choose one of X, layers/spliced"),
        ({"counts": "raw"}, "'raw' is not in the file"),
        ({"counts": "obs"}, "'obs' is not in the file"),
        ({"genes": "none"}, "Choose index or one of: gene_ids"),
    ],
)
@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_missing_places_are_named(tmp_path: Path, options: dict, message: str, suffix: str) -> None:
    content = sample(counts_matrix(), gene_ids=IDS)
    content.layers["spliced"] = content.X
    getattr(content, f"write_{suffix}")(tmp_path / f"a.{suffix}")
    with pytest.raises(InputError, match=message):
        open_counts(tmp_path / f"a.{suffix}", **options)


def test_what_is_no_sample_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.h5ad").write_text("no")
    (tmp_path / "folder").mkdir()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1]
    messages = {"none.h5ad": "no such file", "text.h5ad": "not HDF5", "folder": "matrix.mtx", "other.h5": "neither"}
    for name, message in messages.items():
        with pytest.raises(InputError, match=message):
            open_counts(tmp_path / name)


def test_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", counts_matrix())
    lines = (tmp_path / "a" / "matrix.mtx").read_text().splitlines()
    (tmp_path / "a" / "matrix.mtx").write_text("\n".join(lines[:-5]) + "\n")
    with pytest.raises(InputError, match="cut off"):
        open_counts(tmp_path / "a").read()
    sample(counts_matrix(600)).write_h5ad(tmp_path / "b.h5ad")
    content = (tmp_path / "b.h5ad").read_bytes()
    (tmp_path / "b.h5ad").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"b\.h5ad"):
        open_counts(tmp_path / "b.h5ad").read()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[15:40] = b"x" * 25
    path.write_bytes(content)


def two_sizes(path: Path) -> None:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[1:3] = [line for line in lines[1:3] if line.startswith("%")] + ["40 60"]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))


def no_text(path: Path) -> None:
    path.write_bytes(gzip.compress(b"\xff\xfe\n" * N_CELLS))


@pytest.mark.parametrize("spoil", [cut, damage, no_text])
@pytest.mark.parametrize("name", ["barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz"])
def test_damaged_text_is_named(tmp_path: Path, name: str, spoil) -> None:
    write_folder(tmp_path / "a", counts_matrix(), suffix=".gz")
    spoil(tmp_path / "a" / name)
    with pytest.raises(InputError, match=r"a(/\w+\.\w+\.gz)?: .*\. .*(again|another)"):
        open_counts(tmp_path / "a").read()


def test_a_size_line_of_two_numbers_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", counts_matrix(), suffix=".gz")
    two_sizes(tmp_path / "a" / "matrix.mtx.gz")
    with pytest.raises(InputError, match=r"matrix\.mtx\.gz: it cannot be read"):
        open_counts(tmp_path / "a")


@pytest.mark.parametrize("lost", ["obs/zarr.json", "X/zarr.json", "zarr.json", "obs/_index/c/0"])
def test_a_damaged_zarr_is_named(tmp_path: Path, lost: str) -> None:
    with ad.settings.override(allow_write_nullable_strings=False):
        write(tmp_path / "v3.zarr", counts_matrix())
    store = tmp_path / "v3.zarr"
    if lost.endswith("c/0"):
        (store / lost).write_bytes(b"no chunk")
    else:
        (store / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
        (store / lost).unlink()
    with pytest.raises(InputError, match=r"v3\.zarr"):
        _ = open_counts(store).cell_ids


def test_a_damaged_obs_is_named(tmp_path: Path) -> None:
    sample(counts_matrix()).write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        del file["obs/cell_type/codes"]
    with pytest.raises(InputError, match=r"a\.h5ad: it cannot be read"):
        open_counts(tmp_path / "a.h5ad").obs_column("cell_type")


WHOLE = "counts of a whole transcriptome"
REAL_FILES = {
    "aml027_pre_zheng2017": ("counts", WHOLE),
    "lymphoma_bcell_multiome_10x": ("counts", WHOLE),
    "malt_lymphoma_10x": ("counts", WHOLE),
    "merfish_lung_cancer_chen2024": ("counts", "a spatial panel"),
    # Divided by the cells' volumes, but many values of a cell are whole: taken for estimates of counts.
    "mouse_immune_tabula_muris": ("counts", WHOLE),
    "mouse_lung_immune_zilionis2019": ("counts", WHOLE),
    "oligodendroglioma_tirosh2016": ("expected counts", WHOLE),
    "osmfish_mouse_cortex_codeluppi2018": ("counts", "a spatial panel"),
    "ovarian_qian2020": ("counts", WHOLE),
    "pancreas_baron2016_human1": ("counts", WHOLE),
    "pbmc4k_soupx": ("counts", WHOLE),
    "pbmc_3_chemistries_10x": ("counts", "variable genes alone"),
    "pbmc_kang2018_ifnb": ("counts", "variable genes alone"),
    "pbmc_zheng2017_sorted": ("counts", WHOLE),
    "sim300_human_query_other_study": ("counts", "simulated"),
    "sim300_human_reference": ("counts", "simulated"),
    "starmap_mouse_mpfc_wang2018": ("counts", "a spatial panel"),
    "starmap_mouse_v1_wang2018": ("counts", "a spatial panel"),
}


MERFISH_BY_VOLUME = "merfish_mouse_poa_moffitt2018"


def test_real_files_are_known(shared_data: Path) -> None:
    assert {path.stem for path in shared_data.glob("*.h5ad")} <= {*REAL_FILES, MERFISH_BY_VOLUME}


@pytest.mark.parametrize(("name", "what"), REAL_FILES.items())
def test_a_real_file_is_what_it_is(shared_data: Path, name: str, what: tuple[str, str]) -> None:
    counts = open_counts(shared_data / f"{name}.h5ad")
    assert counts.kind == what[0]
    assert (counts.spatial is not None) == (what[1] == "a spatial panel")
    assert (counts.n_genes > 6000) == (what[1] == WHOLE)
    assert "cell_type" in counts.obs_columns


def test_counts_by_volume_beside_intensities_are_no_counts(shared_data: Path) -> None:
    """Of its 155 genes 20 were stained one after the other."""
    counts = open_counts(shared_data / f"{MERFISH_BY_VOLUME}.h5ad")
    with pytest.raises(InputError, match=r"moffitt2018.h5ad: the values of 135 genes .* those of 20 others"):
        _ = counts.kind


def test_a_mistake_of_ours_is_not_called_one_of_the_file(tmp_path: Path, monkeypatch, caplog) -> None:
    write(tmp_path / "csr.h5ad", counts_matrix())
    counts = open_counts(tmp_path / "csr.h5ad")

    def wrong(self, start: int, stop: int):
        raise KeyError("bug")

    monkeypatch.setattr(backed_matrix.SparseRows, "read", wrong)
    with pytest.raises(KeyError, match="bug"):
        counts.read()


def test_the_cause_of_what_cannot_be_read_is_logged(tmp_path: Path, caplog) -> None:
    sample(counts_matrix()).write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        del file["X/indices"]
    with caplog.at_level("INFO"), pytest.raises(InputError, match=r"a\.h5ad: it cannot be read \(KeyError"):
        open_counts(tmp_path / "a.h5ad").read()
    assert "Traceback" in caplog.text
    assert "KeyError" in caplog.text


@pytest.mark.parametrize("dtype", [str, int, float, bool])
@pytest.mark.parametrize("form", ["plain", "categorical", "nullable", "before 0.8"])
def test_a_column_of_text_is_read_whatever_its_form(tmp_path: Path, dtype: type, form: str) -> None:
    content = sample(counts_matrix(4))
    values = pd.Series([dtype(1), dtype(0), dtype(1), dtype(0)], index=content.obs_names)
    if form == "nullable":
        values = values.convert_dtypes(convert_floating=False).where([True, True, True, False])
        content.obs["type"] = values
        ad.settings.allow_write_nullable_strings, before = True, ad.settings.allow_write_nullable_strings
        content.write_h5ad(tmp_path / "a.h5ad")
        ad.settings.allow_write_nullable_strings = before
    else:
        content.obs["type"] = values if form == "plain" else pd.Categorical(values)
        content.write_h5ad(tmp_path / "a.h5ad")
    if form == "before 0.8":
        with h5py.File(tmp_path / "a.h5ad", "a") as file:
            codes, categories = file["obs/type/codes"][:], file["obs/type/categories"][:]
            del file["obs/type"]
            file["obs/__categories/type"] = categories
            file["obs/type"] = codes
            file["obs/type"].attrs["categories"] = file["obs/__categories/type"].ref
    found = open_counts(tmp_path / "a.h5ad").obs_column("type").tolist()
    assert found[:3] == [str(value) for value in values[:3]]
    assert found[3] in (["", "nan"] if form == "nullable" else [str(dtype(0))])


def test_columns_belong_to_the_genes_that_are_kept_wherever_antibodies_stand(tmp_path: Path) -> None:
    counts = sparse.csr_matrix(np.array([[7, 1, 8, 2, 3], [9, 4, 9, 5, 6]], dtype=np.float32))
    kinds = ["Antibody Capture", "Gene Expression", "Antibody Capture", "Gene Expression", "Gene Expression"]
    var = pd.DataFrame({"feature_types": kinds}, index=["CD3_TotalSeqB", "CD3E", "CD19_TotalSeqB", "CD19", "LYZ"])
    ad.AnnData(counts, obs=pd.DataFrame(index=["a", "b"]), var=var).write_h5ad(tmp_path / "a.h5ad")
    opened = open_counts(tmp_path / "a.h5ad")
    assert opened.genes["symbol"].tolist() == ["CD3E", "CD19", "LYZ"]
    assert opened.read().toarray().tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("value", [-1e-6, -0.5, -1.0])
def test_no_count_is_below_zero_by_however_little(tmp_path: Path, value: float) -> None:
    values = counts_matrix(20, 10).toarray()
    values[3, 4] = value
    ad.AnnData(sparse.csr_matrix(values)).write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InputError, match="values are negative"):
        open_counts(tmp_path / "a.h5ad").read()


def test_a_name_that_is_no_text_is_shown(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group(b"x\xff")
    with pytest.raises(InputError, match=r"neither AnnData nor a 10x matrix but x.*xff"):
        open_counts(tmp_path / "a.h5")


def test_zarr_metadata_that_is_no_object_is_damage(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text('"lost"')
    with pytest.raises(InputError, match="cannot be read"):
        open_counts(tmp_path / "a.zarr")
