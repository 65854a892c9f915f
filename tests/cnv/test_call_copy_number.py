"""call_copy_number on synthetic patients: right calls, and a result or a named reason for every input."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from cnv_patients import ARMS, patient, positions
from scipy import sparse

from cellcohort.cnv.call_copy_number import call_copy_number
from cellcohort.cnv.settings import Settings
from cellcohort.core.errors import InputError
from cellcohort.genes.genome_tables import read_arms, read_positions
from cellcohort.inputs.resources import resource_path
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import CNV_ARMS, CNV_CELLS

TRUNK = {"1p": 0.5, "2q": 1.5, "4p": 0.5}
EVENTS = {"T/1": TRUNK | {"3q": 0.5}, "T/2": TRUNK | {"6p": 1.5, "5q": 0.5}}
SIZES = {"T": 120, "T/1": 60, "T/2": 60, "B": 80, "M": 80}


def call(adata, **options):
    options = {"lineage": "lineage", "reference": "reference", "positions": positions(), "arms": ARMS} | options
    return call_copy_number(adata, **options)


@pytest.fixture(scope="module")
def tumour():
    return patient(SIZES, EVENTS, seed=1)


@pytest.fixture(scope="module")
def result(tumour):
    return call(tumour)


def test_carriers_are_aneuploid_and_others_are_not(tumour, result) -> None:
    called = (result.cells["cnv_call"] == "aneuploid").to_numpy()
    carrier = tumour.obs["carrier"].to_numpy()
    assert called[carrier].mean() > 0.95
    assert called[~carrier].mean() < 0.01
    score = result.cells["cnv_score"].to_numpy()
    assert score[carrier].mean() > 1.5 * score[~carrier].mean()
    assert 0.8 < score[~carrier].mean() < 1.2


def test_clones_and_their_arms(tumour, result) -> None:
    table = pd.crosstab(tumour.obs["group"].to_numpy(), result.cells["clone"])
    assert table.loc[["T/1", "T/2"]].max(axis=1).min() > 50
    for group, dosage in EVENTS.items():
        clone = table.loc[group].idxmax()
        arms = result.arms[(result.arms["lineage"] == "T") & (result.arms["clone"] == clone)].set_index("arm")["call"]
        assert arms[arms != 0].to_dict() == {arm: int(np.sign(factor - 1)) for arm, factor in dosage.items()}


def test_tables_fit_their_schemas(tumour, result) -> None:
    as_table(result.cells.assign(label="T", is_ood=False), CNV_CELLS)
    as_table(result.arms.assign(patient_id="p1"), CNV_ARMS)
    assert result.cells["cell_id"].tolist() == tumour.obs_names.tolist()
    assert result.profile.shape == (tumour.n_obs, len(result.columns))
    assert result.cells["fdr"].dropna().between(0, 1).all()


def _same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))


@pytest.mark.parametrize("change", ["order", "genes", "int", "dense", "csc", "float64"])
def test_order_and_container_do_not_matter(tumour, result, change) -> None:
    other = tumour.copy()
    if change == "order":
        other = other[np.random.default_rng(0).permutation(other.n_obs)].copy()
    elif change == "genes":
        other = other[:, np.random.default_rng(0).permutation(other.n_vars)].copy()
    elif change == "int":
        other.X = other.X.astype(np.int32)
    elif change == "dense":
        other.X = other.X.toarray()
    else:
        other.X = sparse.csc_matrix(other.X) if change == "csc" else other.X.astype(np.float64)
    again = call(other)
    _same(again.cells.set_index("cell_id").loc[tumour.obs_names], result.cells.set_index("cell_id"))
    _same(again.arms, result.arms)


def test_a_carrier_group_leaves_the_reference(tumour, result) -> None:
    dirty = tumour.copy()
    dirty.obs.loc[dirty.obs_names[dirty.obs["carrier"].to_numpy()][::6], "reference"] = True
    cells = call(dirty).cells
    wrong = (dirty.obs["carrier"] & dirty.obs["reference"]).to_numpy()
    assert (cells["role"].to_numpy()[wrong] == "query").mean() > 0.9
    assert (cells["cnv_call"].to_numpy()[dirty.obs["carrier"].to_numpy()] == "aneuploid").mean() > 0.95


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_event_no_call(seed) -> None:
    result = call(patient({"T": 120, "B": 80, "M": 80}, seed=seed))
    assert (result.cells["cnv_call"] == "aneuploid").mean() <= 0.01
    assert (result.arms["call"] != 0).mean() <= 0.01


def test_another_lineage_without_reference_is_never_called_for_its_expression() -> None:
    adata = patient({"T": 120, "B": 80, "M": 80, "E": 60}, seed=4)
    adata.obs.loc[adata.obs["lineage"] == "E", "reference"] = False
    cells = call(adata).cells.assign(lineage=adata.obs["lineage"].to_numpy())
    strange = cells[cells["lineage"] == "E"]
    assert (strange["cnv_call"] == "undetermined").all()
    assert strange["reason"].str.contains("no reference").all()


def test_a_lineage_without_reference_serves_as_its_own() -> None:
    adata = patient({"T": 80, "B": 80, "M": 80, "E": 60, "E/1": 60}, {"E/1": TRUNK | {"3q": 0.5}}, seed=5)
    adata.obs.loc[adata.obs["lineage"] == "E", "reference"] = False
    cells = call(adata).cells
    mine, carrier = (adata.obs["lineage"] == "E").to_numpy(), adata.obs["carrier"].to_numpy()
    assert (cells["cnv_call"][carrier] == "aneuploid").mean() > 0.9
    assert (cells["cnv_call"][mine & ~carrier] == "aneuploid").mean() < 0.05
    assert set(cells["reference_source"][mine]) <= {"own lineage", "other lineages"}


def test_borrowed_cells_are_told_apart(tumour) -> None:
    adata = tumour.copy()
    adata.obs["borrowed"] = adata.obs["reference"] & (adata.obs["lineage"] == "B")
    source = call(adata, borrowed="borrowed").cells["reference_source"].to_numpy()
    assert set(source[(adata.obs["lineage"] == "B").to_numpy()]) == {"borrowed"}
    assert set(source[(adata.obs["lineage"] == "T").to_numpy()]) == {"patient"}


@pytest.mark.parametrize(
    ("choose", "reason"),
    [
        (lambda a: a[:0], None),
        (lambda a: a[~a.obs["reference"]], "no lineage with 15 reference cells"),
        (lambda a: a[:, :100], "only 100 genes"),
        (lambda a: a[:1], "reference cells"),
    ],
    ids=["empty", "no normal cells", "few genes", "one cell"],
)
def test_inputs_that_carry_no_call(tumour, choose, reason) -> None:
    adata = choose(tumour).copy()
    result = call(adata)
    assert len(result.cells) == adata.n_obs
    assert len(result.arms) == 0
    assert result.profile.shape[0] == adata.n_obs
    if reason:
        assert set(result.cells["cnv_call"]) == {"undetermined"}
        assert result.cells["reason"].str.contains(reason).all()


def test_a_mouse_with_the_genomes_own_tables() -> None:
    genes = read_positions(resource_path("gene_positions_GRCm39.tsv.gz"))
    genes = genes[(genes["biotype"] == "protein_coding") & (genes["chromosome"] != "chrY")].drop_duplicates("symbol")[
        ::4
    ]
    rng = np.random.default_rng(0)
    carrier = np.arange(180) >= 120
    rate = np.tile(np.exp(rng.normal(0, 1.2, len(genes))), (180, 1))
    for chromosome in ("chr4", "chr9", "chr14"):
        rate[np.ix_(carrier, (genes["chromosome"] == chromosome).to_numpy())] *= 0.5
    counts = rng.poisson(4000 * rate / rate.sum(axis=1, keepdims=True)).astype(np.float32)
    obs = pd.DataFrame({"lineage": "T", "reference": np.arange(180) < 60}, index=[f"c{i:03d}" for i in range(180)])
    adata = ad.AnnData(sparse.csr_matrix(counts), obs=obs, var=pd.DataFrame(index=genes["symbol"].to_numpy()))
    result = call(adata, positions=genes, arms=read_arms(resource_path("chromosome_arms_GRCm39.tsv")))
    called = (result.cells["cnv_call"] == "aneuploid").to_numpy()
    assert called[carrier].mean() > 0.95
    assert called[~carrier].mean() < 0.02
    lost = result.arms[(result.arms["call"] == -1) & result.arms["clone"].notna()]
    assert set(lost["arm"]) == {"4q", "9q", "14q"}
    assert list(result.chr_pos)[-1] == "chr19", "neither X nor the mitochondrion"


def test_noise_of_the_profile_is_that_of_the_reference_alone(tumour, result) -> None:
    raw = call(tumour, settings=Settings(noise_sd=None)).profile.toarray()
    reference = (result.cells["role"] == "reference").to_numpy()
    threshold = 1.5 * raw[reference].std()
    assert threshold < 0.95 * 1.5 * raw.std(), "the tumour would raise it"
    expected = np.where(np.abs(raw) < threshold, 0, raw)
    assert np.array_equal(result.profile.toarray(), expected)


def test_without_a_reference_the_noise_is_that_of_all_cells(tumour) -> None:
    bare = tumour.copy()
    bare.obs["reference"] = False
    raw = call(bare, settings=Settings(noise_sd=None)).profile.toarray()
    expected = np.where(np.abs(raw) < 1.5 * raw.std(), 0, raw)
    assert np.array_equal(call(bare).profile.toarray(), expected)


@pytest.mark.parametrize(("min_reference", "known"), [(15, True), (16, False)])
def test_a_lineage_needs_exactly_min_reference_cells(min_reference, known) -> None:
    adata = patient({"T": 30, "B": 80, "M": 80}, seed=2)
    assert adata.obs.loc[adata.obs["lineage"] == "T", "reference"].sum() == 15
    cells = call(adata, min_reference=min_reference).cells[(adata.obs["lineage"] == "T").to_numpy()]
    assert (cells["role"] == "reference").any() == known
    assert (
        cells["reason"].eq("no reference of the lineage, and no group of it carries an arm for certain").all() != known
    )


def test_genes_on_chromosomes_without_arms_are_not_counted(tumour) -> None:
    cells = call(tumour, arms=ARMS[ARMS["chromosome"].isin(["chr1", "chr2", "chr3"])])
    assert set(cells.arms["arm"]) == {"1p", "1q", "2p", "2q", "3p", "3q"}
    nowhere = call(tumour, arms=ARMS.assign(chromosome="chr20"))
    assert (nowhere.cells["cnv_call"] == "undetermined").all()
    assert nowhere.cells["reason"].str.contains("on 0 chromosome arms").all()


def test_thirty_cells() -> None:
    result = call(patient({"T": 20, "T/1": 10}, {"T/1": TRUNK}, seed=2), min_reference=10)
    assert len(result.cells) == 30
    assert result.cells["cnv_call"].isin(["aneuploid", "diploid", "undetermined"]).all()


def test_expected_counts_and_empty_cells(tumour) -> None:
    adata = tumour.copy()
    adata.X = adata.X * np.float32(0.37)
    empty = np.arange(adata.n_obs) < 3
    adata.X = sparse.diags((~empty).astype(np.float32)) @ adata.X
    cells = call(adata).cells
    assert (cells["cnv_call"][adata.obs["carrier"].to_numpy()] == "aneuploid").mean() > 0.7
    assert (cells["cnv_score"].isna() == empty).all()
    assert (cells["cnv_call"][empty] == "undetermined").all()


def test_user_errors_are_named(tumour) -> None:
    with pytest.raises(InputError, match="nothere"):
        call(tumour, lineage="nothere")
    with pytest.raises(InputError, match="true and false"):
        call(tumour, reference="lineage")
    bad = tumour.copy()
    bad.X.data[0] = -1
    with pytest.raises(InputError, match="negative"):
        call(bad)


def test_false_discovery_comes_from_the_normal_cells(result) -> None:
    cells = result.cells
    assert cells.loc[cells["cnv_call"] == "aneuploid", "fdr"].max() < 0.05
    assert cells.loc[cells["role"] == "reference", "fdr"].isna().all()
