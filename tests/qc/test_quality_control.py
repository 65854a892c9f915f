"""Metrics, limits, doublets and verdicts of quality control, and the records that go with them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.core.errors import InputError
from cellcohort.genes.align_sample import FEWEST_MEASURED, align_sample
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import GENES, QC, VOCABULARY
from cellcohort.qc import doublets
from cellcohort.qc.check_sample import check_sample
from cellcohort.qc.fixed_limits import HARD_LIMITS
from cellcohort.qc.quality_control import Thresholds, cell_metrics, hard_limits, quality_control

LENIENT = {"min_genes": 1, "min_counts": 1, "doublets": False}
AS_GIVEN = {"of_sheet": ("min_genes", "min_counts")}  # these matrices have the genes of a panel
SAMPLE = {"sample_id": "S", "patient_id": "P", "path": "a.h5ad"}


def write(path: Path, matrix, genes=None, cells=None) -> Path:
    matrix = sparse.csr_matrix(matrix, dtype=np.float32)
    index = genes or [f"GENE{number}" for number in range(matrix.shape[1])]
    obs = pd.DataFrame(index=cells or [f"cell{number}" for number in range(matrix.shape[0])])
    ad.AnnData(matrix, obs=obs, var=pd.DataFrame(index=index)).write_h5ad(path)
    return path


def population(n_cells: int, depth: float, n_genes: int = 600, seed: int = 0) -> np.ndarray:
    """Cells of about `depth` counts, log-normal in depth."""
    rng = np.random.default_rng(seed)
    profile = rng.gamma(0.6, 1, n_genes)
    size = depth * rng.lognormal(0, 0.3, n_cells)
    return rng.poisson(size[:, None] * profile / profile.sum()).astype(np.float32)


def judge(path: Path, **config) -> pd.DataFrame:
    return quality_control(open_counts(path), config | AS_GIVEN)[0]


@pytest.mark.parametrize(
    "genes",
    [
        ["MT-ND1", "mt-Co1", "MTOR", "A"],
        ["MT.ND1", "MT-CO1", "B", "A"],
        ["ENSG00000198888.2", "ENSG00000198804", "ENSG00000198793", "ENSG00000141510"],
        ["ENSMUSG00000064341", "ENSMUSG00000064351", "ENSMUSG00000059552", "ENSMUSG00000028991"],
    ],
)
def test_metrics(tmp_path: Path, genes: list[str]) -> None:
    path = write(tmp_path / "a.h5ad", [[1, 2, 3, 0], [0, 0, 0, 0], [0, 0, 5, 5]], genes)
    table, notes = cell_metrics(open_counts(path))
    assert table["n_counts"].tolist() == [6, 0, 10]
    assert table["n_genes"].tolist() == [3, 0, 2]
    assert table["mito_share"].tolist() == [0.5, 0, 0]
    assert notes == []


def test_hard_limits_only_in_small_samples(tmp_path: Path) -> None:
    matrix = np.vstack([population(40, 5000), population(3, 600, seed=1), population(2, 30, seed=2)])
    table, notes = quality_control(open_counts(write(tmp_path / "a.h5ad", matrix)), {"min_genes": 20} | AS_GIVEN)
    assert table["passed"].tolist() == [True] * 43 + [False] * 2
    assert set(table["reason"].dropna()) == {"low counts"}
    assert any("no limits from the sample" in note for note in notes)
    assert any("doublets: not called for 43 cells" in note for note in notes)


def test_reasons_and_overrides(tmp_path: Path) -> None:
    genes = ["MT-ND1", *[f"G{number}" for number in range(99)]]
    dying, few = np.zeros((2, 100))
    dying[:60], dying[0], few[1:4] = 1, 100, 500
    path = write(tmp_path / "a.h5ad", np.vstack([population(20, 3000, 100), dying, few]), genes)
    table = judge(path, min_genes=10, min_counts=100)
    assert table["reason"].iloc[-2:].tolist() == ["high mitochondrial share", "low genes"]
    assert judge(path, min_genes=3, min_counts=100, max_mito_share=1.0)["passed"].all()
    assert (judge(path, min_counts=1e6)["reason"] == "low counts").all()


@pytest.mark.parametrize("small", [40, 400])
def test_no_population_is_lost_to_its_size(tmp_path: Path, small: int) -> None:
    """Small lymphocytes beside many tumour cells that are four times as large, and the other way round."""
    matrix = np.vstack([population(400, 4800, 20_000), population(small, 1200, 20_000, seed=1)])
    table = judge(write(tmp_path / "a.h5ad", matrix), **LENIENT | {"min_counts": 500})
    assert table["passed"].mean() > 0.99
    matrix = np.vstack([population(400, 1200, 20_000), population(small, 4800, 20_000, seed=1)])
    table = judge(write(tmp_path / "b.h5ad", matrix), **LENIENT | {"min_counts": 500})
    assert table["passed"].mean() > 0.99


def test_sample_limits_find_outliers(tmp_path: Path) -> None:
    matrix = np.vstack([population(300, 2000), population(3, 650, seed=1), population(2, 1_000_000, seed=2)])
    table = judge(write(tmp_path / "a.h5ad", matrix), **LENIENT | {"min_counts": 500, "n_mads": 3})
    assert table["passed"].iloc[:300].mean() > 0.97
    assert table["reason"].iloc[-2:].tolist() == ["high counts"] * 2
    assert (table["reason"].iloc[300:303] == "low counts").any()


def sample_with_outliers(path: Path) -> Path:
    """300 cells of one type and one each with few genes, few counts, many counts and many mitochondrial counts."""
    genes = [f"MT-{number}" for number in range(60)] + [f"G{number}" for number in range(540)]
    rng = np.random.default_rng(0)
    size = 2000 * rng.lognormal(0, 0.3, 300)
    cells = rng.poisson(size[:, None] * np.repeat([0.0005, 0.97 / 540], [60, 540])).astype(np.float32)
    typical = np.full(600, 4, dtype=np.float32)
    typical[:60] = 0
    few_genes, few_counts, many, dying = typical.copy(), typical / 4, typical * 4, typical.copy()
    few_genes[310:], few_genes[60:310] = 0, 8
    few_counts[260:] = 0
    dying[:60] = 5
    return write(path, np.vstack([cells, few_genes, few_counts, many, dying]), genes)


def test_n_mads_decides(tmp_path: Path) -> None:
    counts = open_counts(sample_with_outliers(tmp_path / "a.h5ad"))
    config = {"min_genes": 50, "min_counts": 100, "doublets": False} | AS_GIVEN
    strict = quality_control(counts, config | {"n_mads": 3})[0]
    assert strict["reason"].iloc[300:].tolist() == [
        "low genes",
        "low counts",
        "high counts",
        "high mitochondrial share",
    ]
    assert strict["passed"].iloc[:300].mean() > 0.95
    assert quality_control(counts, config | {"n_mads": 30})[0]["passed"].all()
    hard = quality_control(counts, config | {"n_mads": 30, "min_genes": 300, "max_mito_share": 0.1})[0]
    assert hard["reason"].iloc[[300, 301, 303]].tolist() == ["low genes", "low genes", "high mitochondrial share"]


def test_small_mitochondrial_shares_are_allowed(tmp_path: Path) -> None:
    matrix = np.hstack([np.zeros((200, 1)), population(200, 2000)])
    matrix[:5, 0], matrix[5:8, 0] = matrix[:5].sum(1) * 0.08, matrix[5:8].sum(1) * 0.2
    table = judge(write(tmp_path / "a.h5ad", np.rint(matrix), ["MT-ND1", *[f"G{n}" for n in range(600)]]), **LENIENT)
    assert table["reason"].iloc[:5].isna().all()
    assert (table["reason"].iloc[5:8] == "high mitochondrial share").all()


def test_cells_alike_give_no_range(tmp_path: Path) -> None:
    matrix = np.ones((80, 600))
    matrix[:3, 0], matrix[3:6, :9] = 400, 0
    assert judge(write(tmp_path / "a.h5ad", matrix), **LENIENT)["passed"].all()


@pytest.mark.parametrize(("log", "kind"), [(True, "log-normalised"), (False, "normalised")])
def test_limits_on_counts_do_not_apply_to_normalised_values(tmp_path: Path, log: bool, kind: str) -> None:
    matrix = population(80, 2000)
    matrix = matrix / matrix.sum(1, keepdims=True) * 100
    path = write(tmp_path / "a.h5ad", np.log1p(matrix) if log else matrix)
    table, notes = quality_control(open_counts(path), {"min_genes": 50} | AS_GIVEN)
    assert table["passed"].all()
    assert table["n_counts"].round(2).eq(100).all()
    assert f"limits on n_counts do not apply to {kind} values" in notes
    assert f"doublets: not called, as the values are {kind}" in notes


def two_types_and_doublets() -> np.ndarray:
    first, second = population(200, 2000, seed=1), population(200, 2000, seed=2)
    return np.vstack([first, second, first[:12] + second[:12]])


def test_doublets_are_called(tmp_path: Path) -> None:
    table = judge(write(tmp_path / "a.h5ad", two_types_and_doublets()), min_genes=10)
    called = table["reason"] == "doublet"
    assert called.iloc[400:].mean() > 0.8
    assert called.iloc[:400].mean() < 0.02
    assert table["doublet_score"].notna().all()


def test_order_of_cells_and_genes_does_not_matter(tmp_path: Path) -> None:
    matrix = two_types_and_doublets()
    matrix[::40] = 0
    rng = np.random.default_rng(3)
    cells, genes = rng.permutation(len(matrix)), rng.permutation(matrix.shape[1])
    names = [f"cell{number}" for number in cells], [f"GENE{number}" for number in genes]
    first = judge(write(tmp_path / "a.h5ad", matrix), min_genes=10)
    second = judge(write(tmp_path / "b.h5ad", matrix[cells][:, genes], names[1], names[0]), min_genes=10)
    pd.testing.assert_frame_equal(
        first.sort_values("cell_id", ignore_index=True), second.sort_values("cell_id", ignore_index=True)
    )


def test_doublets_can_be_switched_off_and_table_fits(tmp_path: Path) -> None:
    table = judge(write(tmp_path / "a.h5ad", population(60, 2000)), min_genes=10, doublets=False)
    assert table["doublet_score"].isna().all()
    assert as_table(table, QC).num_rows == 60


def test_large_loss_is_noted(tmp_path: Path) -> None:
    matrix = population(80, 2000)
    matrix[:20, 5:] = 0
    matrix[:20, :5] = 400
    config = {"min_genes": 50, "n_mads": 30, "doublets": False} | AS_GIVEN
    _, notes = quality_control(open_counts(write(tmp_path / "a.h5ad", matrix)), config)
    assert any(note.startswith("25% of the cells (20) have low genes (below 50, by min_genes)") for note in notes)


def test_a_loss_to_the_samples_own_limit_names_n_mads(tmp_path: Path) -> None:
    matrix = np.vstack([population(400, 2000), population(60, 90_000, seed=1)])
    _, notes = quality_control(open_counts(write(tmp_path / "a.h5ad", matrix)), LENIENT)
    assert any(
        note.startswith("13% of the cells (60) have high counts (above ") and "by n_mads" in note for note in notes
    )


def test_good_sample_is_recorded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5ad", population(20, 2000))
    table, record = check_sample(SAMPLE, str(path), {"min_genes": 10})
    assert len(table) == record["n_cells"] == record["n_passed"] == 20
    assert (record["kind"], record["rejected"]) == ("counts", None)


@pytest.mark.parametrize(
    ("content", "reason", "n_rows"),
    [
        (np.zeros((0, 5)), "0 cells", 0),
        (np.ones((7, 5)), r"0 of 7 cells passed quality control \(low counts 7\)", 7),
        (-np.ones((7, 5)), "scaled", 0),
        (None, "no such file", 0),
    ],
)
def test_bad_samples_are_rejected_or_fail(tmp_path: Path, content, reason: str, n_rows: int) -> None:
    path = tmp_path / "a.h5ad" if content is None else write(tmp_path / "a.h5ad", content)
    table, record = check_sample(SAMPLE, str(path), {})
    assert as_table(table, QC).num_rows == n_rows
    assert pd.Series([record["rejected"]]).str.contains(reason).all()
    assert record["n_passed"] == 0
    with pytest.raises(InputError, match=reason):
        check_sample(SAMPLE, str(path), {"on_invalid": "fail"})


def vocabulary(*symbols: str) -> pd.DataFrame:
    empty = {"gene_id": None, "chromosome": None, "start": None, "end": None}
    return pd.DataFrame({"token_id": range(len(symbols)), "symbol": symbols, **empty})[VOCABULARY.names]


def test_status_of_a_sample(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.h5ad", population(20, 2000)))
    _, record = check_sample(SAMPLE, path, {"min_genes": 10})
    alignment, status = align_sample(SAMPLE, path, vocabulary("GENE1", "GENE2", "X"), record, min_share=0.5)
    assert as_table(alignment.table, GENES).num_rows == 3
    assert (status["status"], status["reason"], status["n_cells_kept"]) == ("ok", None, 20)
    assert status["vocabulary_share"] == pytest.approx(2 / 3, abs=1e-6)


def test_too_few_genes_reject_a_sample(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.h5ad", population(20, 2000)))
    _, record = check_sample(SAMPLE, path, {"min_genes": 10})
    words = vocabulary("GENE1", "X", "Y", "Z")
    _, status = align_sample(SAMPLE, path, words, record, min_share=0.5)
    assert (status["status"], status["n_cells_kept"]) == ("rejected", 0)
    assert "1 of the 4 genes" in status["reason"]
    with pytest.raises(InputError, match="1 of the 4 genes"):
        align_sample(SAMPLE, path, words, record, min_share=0.5, on_invalid="fail")


def test_unreadable_sample_has_all_genes_missing(tmp_path: Path) -> None:
    path = str(tmp_path / "none.h5ad")
    _, record = check_sample(SAMPLE, path, {})
    alignment, status = align_sample(SAMPLE, path, vocabulary("A", "B"), record, min_share=0.5)
    assert as_table(alignment.table, GENES)["match"].to_pylist() == ["missing", "missing"]
    assert (status["status"], status["reason"]) == ("rejected", record["rejected"])


def test_mouse_sample_says_how_it_was_matched(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.h5ad", population(20, 2000, 3), ["Cd8b1", "Cd3e", "Actb"]))
    _, record = check_sample(SAMPLE, path, {"min_genes": 1})
    row = SAMPLE | {"species": "mouse"}
    _, status = align_sample(row, path, vocabulary("CD8B", "CD3E", "FOXP3"), record, min_share=0.5)
    assert status["status"] == "ok"
    assert "2 genes of the vocabulary were matched by their mouse ortholog" in status["notes"]


@pytest.mark.parametrize(
    ("name", "most_lost"),
    [
        ("ovarian_qian2020", 0.01),
        ("pancreas_baron2016_human1", 0.03),
        ("pbmc4k_soupx", 0.05),
        ("pbmc_zheng2017_sorted", 0.03),
        ("oligodendroglioma_tirosh2016", 0.0),
    ],
)
def test_no_type_of_the_real_data_is_lost(shared_data: Path, name: str, most_lost: float) -> None:
    counts = open_counts(shared_data / f"{name}.h5ad")
    table, _ = quality_control(counts, {"doublets": counts.n_cells < 3000})
    lost = 1 - table.groupby(counts.obs_column("cell_type"))["passed"].mean()
    assert lost.max() <= most_lost


@pytest.mark.parametrize("rare", ["B_cell", "Endothelial", "Epithelial", "Fibroblast", "Macrophage"])
def test_a_rare_real_type_among_t_cells_is_kept(tmp_path: Path, shared_data: Path, rare: str) -> None:
    """A tenth of another type: five deviations would drop half of the B cells, as T cells are alike."""
    content = ad.read_h5ad(shared_data / "ovarian_qian2020.h5ad", backed="r")
    types = content.obs["cell_type"].astype(str).to_numpy()
    rows = np.union1d(np.flatnonzero(types == "T_cell"), np.flatnonzero(types == rare)[:23])
    part = content[rows].to_memory()
    part.write_h5ad(tmp_path / "a.h5ad")
    table = judge(tmp_path / "a.h5ad", doublets=False)
    assert table["passed"].to_numpy()[types[rows] == rare].mean() > 0.9


@pytest.mark.parametrize("called", [0, 12, 41])
def test_a_threshold_that_calls_more_than_twice_the_expected_share_is_not_used(tmp_path, monkeypatch, called) -> None:
    """Of 200 cells 5 % are expected to be doublets: 20 may be called, 41 may not."""
    counts = open_counts(write(tmp_path / "a.h5ad", population(200, 2000)))
    scores = np.where(np.arange(200) < called, 0.9, 0.1)
    monkeypatch.setattr(doublets, "_scrublet", lambda matrix: (scores, 0.5))
    table, note = doublets.call_doublets(counts, np.arange(200), fewest=50)
    assert table["doublet"].sum() == (called if called <= 20 else 0)
    assert ("more than twice the 5% expected" in note) == (called > 20)


@pytest.mark.parametrize(
    ("n_cells", "called", "used"), [(10_000, 0.15, True), (10_000, 0.17, False), (1_000, 0.11, False)]
)
def test_the_share_of_doublets_to_expect_grows_by_eight_in_a_thousand_cells_each(monkeypatch, n_cells, called, used):
    monkeypatch.setattr(doublets, "_variable", lambda counts, rows: np.zeros((rows.size, doublets._FEWEST_GENES)))
    scores = (np.arange(n_cells) < called * n_cells).astype(float)
    monkeypatch.setattr(doublets, "_scrublet", lambda matrix: (scores, 0.5))
    counts = SimpleNamespace(kind="counts", cell_ids=np.array([f"c{i:05d}" for i in range(n_cells)], object))
    table, _ = doublets.call_doublets(counts, np.arange(n_cells), fewest=50)
    assert table["doublet"].any() == used


def test_a_sample_exactly_at_min_share_is_used(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.h5ad", population(20, 2000)))
    _, record = check_sample(SAMPLE, path, {"min_genes": 10})
    words = vocabulary("GENE1", "GENE2", "X", "Y")
    assert align_sample(SAMPLE, path, words, record, min_share=0.5)[1]["status"] == "ok"
    assert align_sample(SAMPLE, path, words, record, min_share=0.51)[1]["status"] == "rejected"


@pytest.mark.parametrize(
    ("limit", "metric"), [("min_counts", "n_counts"), ("min_genes", "n_genes"), ("max_mito_share", "mito_share")]
)
def test_the_samples_own_limits_never_loosen_the_hard_ones(tmp_path: Path, limit: str, metric: str) -> None:
    matrix = np.hstack([np.zeros((200, 1)), population(200, 2000)])
    matrix[:, 0] = np.rint(matrix.sum(1) * np.linspace(0.05, 0.5, 200))
    path = write(tmp_path / "a.h5ad", matrix, ["MT-ND1", *[f"G{number}" for number in range(600)]])
    values = cell_metrics(open_counts(path))[0][metric]
    at = float(np.sort(values)[100])
    table = judge(path, **LENIENT | {"max_mito_share": 1.0, "n_mads": 30, limit: at})
    assert (table["passed"] == (values <= at if limit.startswith("max") else values >= at)).all()


@pytest.mark.parametrize(("n_genes", "floors"), [(33, (5, 10)), (480, (5, 12)), (4000, (40, 100)), (8000, (200, 500))])
def test_the_floors_of_a_panel_are_in_proportion_to_its_genes(tmp_path: Path, n_genes, floors) -> None:
    counts, notes = open_counts(write(tmp_path / "a.h5ad", population(3, 5000, n_genes))), []
    limits = hard_limits(Thresholds(), counts, notes)
    assert (limits.min_genes, limits.min_counts) == pytest.approx(floors)
    assert bool(notes) == (n_genes < 8000)


def test_a_floor_of_the_sheet_is_taken_as_it_is(tmp_path: Path) -> None:
    counts = open_counts(write(tmp_path / "a.h5ad", population(3, 5000, 33)))
    limits = hard_limits(Thresholds.of({"min_genes": 30, "of_sheet": ["min_genes"]}), counts, [])
    assert (limits.min_genes, limits.min_counts) == (30, 10)


def test_a_floor_that_asks_little_asks_no_more_of_a_panel(tmp_path: Path) -> None:
    counts = open_counts(write(tmp_path / "a.h5ad", population(3, 5000, 33)))
    limits = hard_limits(Thresholds(min_genes=2, min_counts=3), counts, [])
    assert (limits.min_genes, limits.min_counts) == (2, 3)


def test_the_reference_meets_the_hard_limits_and_is_asked_for_no_doublets() -> None:
    names = {field.name for field in fields(Thresholds)}
    assert names == {*HARD_LIMITS, "doublets", "of_sheet"}


@pytest.mark.parametrize(("n_found", "status"), [(FEWEST_MEASURED, "ok"), (FEWEST_MEASURED - 1, "rejected")])
def test_a_panel_needs_few_genes_of_the_vocabulary(tmp_path: Path, n_found, status) -> None:
    """Of 200 vocabulary genes a tenth or less, in a file of 50."""
    path = write(tmp_path / "a.h5ad", population(3, 5000, 50))
    symbols = open_counts(path).genes["symbol"]
    words = vocabulary(*symbols[:n_found], *(f"OTHER{i}" for i in range(200 - n_found)))
    _, record = check_sample(SAMPLE, path, LENIENT)
    _, found = align_sample(SAMPLE, path, words, record, min_share=0.5)
    assert found["status"] == status
    said = "a panel of 50 genes"
    assert said in (found["reason"] or "") + "; ".join(found["notes"])
