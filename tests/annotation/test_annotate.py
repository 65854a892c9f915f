"""Annotation depends on the cell, the model and the config alone (design law 1)."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from small_reference import LABELS, write_sample

from cellcohort.annotation.annotate import annotate, label_cells, ood_columns
from cellcohort.annotation.explanation import Explanation
from cellcohort.annotation.ood_calls import call_cells
from cellcohort.bundle.model_bundle import Bundle
from cellcohort.genes.alignment import align_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_aliases
from cellcohort.model import inference
from cellcohort.ood.judgement import Judgement, SampleCells, Shift
from cellcohort.outputs import parquet, schemas

TRUTH = np.array([*LABELS * 12, *["unknown"] * 12], object)
NUMBERS = ["confidence", "ood_score"]
OF_THE_SAMPLE = ["ood_pvalue", "ood_qvalue", "unshifted_pvalue", "is_ood"]  # decided among the cells of the sample


@pytest.fixture(scope="module", params=["transformer", "additive"])
def bundle(request, bundle, additive_bundle):
    return {"transformer": bundle, "additive": additive_bundle}[request.param]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("sample") / "sample.h5ad", TRUTH)


@pytest.fixture(scope="module")
def expected(sample, bundle):
    return run(sample, bundle)


def run(path, bundle, *, rows=None, chunk_size=4096, shift="auto", barred=None):
    """Annotation with the embedding as extra columns, indexed by cell; and the explanation."""
    counts = open_counts(path)
    rows = np.arange(counts.n_cells) if rows is None else rows
    config = bundle.model.config
    explanation = Explanation(config.n_labels, config.n_genes, config.n_slots)
    alignment = align_genes(counts.genes, bundle.vocabulary, gene_aliases())
    embeddings = []
    given = {"sample_id": "S", "patient_id": "P", "shift": shift, "keep_embedding": embeddings.append}
    given["barred"] = np.zeros(len(rows), bool) if barred is None else barred
    result = annotate(counts, rows, alignment, bundle, explanation, **given, chunk_size=chunk_size)
    vectors = np.vstack([np.stack(part["vector"].to_pandas()) for part in embeddings])
    table = result.table.append_column(
        "is_ood", call_cells(result.table, alpha=0.05, coverage=0.9)["is_ood"]
    ).to_pandas()
    return table.set_index("cell_id"), pd.DataFrame(vectors, table["cell_id"]), explanation


def assert_same_cells(result, expected, *, same_sample=True):
    table, vectors, _ = result
    wanted, wanted_vectors = expected[0].loc[table.index], expected[1].loc[table.index]
    if same_sample:
        pd.testing.assert_frame_equal(table[OF_THE_SAMPLE], wanted[OF_THE_SAMPLE], atol=1e-5)
    texts = table.columns.difference([*NUMBERS, *OF_THE_SAMPLE])
    pd.testing.assert_frame_equal(table[texts], wanted[texts])
    np.testing.assert_allclose(table[NUMBERS], wanted[NUMBERS], atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(vectors, wanted_vectors, atol=1e-5)


def rewritten(sample, path, change):
    adata = ad.read_h5ad(sample)
    change(adata).write_h5ad(path)
    return path


def test_labels_confidence_and_ood_calls_are_right(expected):
    table = expected[0].assign(truth=TRUTH)
    known = table[table["truth"] != "unknown"]
    assert (known["label"] == known["truth"]).mean() > 0.95
    assert table.loc[table["truth"] == "unknown", "is_ood"].mean() > 0.7
    assert known["is_ood"].mean() < 0.2
    assert table["confidence"].between(1 / 3, 1).all()
    assert (table["second_label"] != table["label"]).all()
    assert not table.drop(columns=["coarse_label", "coarse_confidence"]).isna().any().any()


def test_an_unsure_label_falls_back_to_its_coarse_type(bundle):
    probability = np.array([[0.4, 0.35, 0.25], [0.9, 0.05, 0.05], [0.3, 0.25, 0.45]])
    columns = label_cells(bundle, probability)
    assert columns["resolved_label"].tolist() == ["alpha", "alpha", "delta"]
    with_types = Bundle(bundle.folder)
    with_types.__dict__["coarse"] = np.array(["greek", "greek", "river"], object)
    columns = label_cells(with_types, probability)
    assert columns["coarse_label"].tolist() == ["greek", "greek", "greek"]
    np.testing.assert_allclose(columns["coarse_confidence"], [0.75, 0.95, 0.55])
    assert columns["resolved_label"].tolist() == ["greek", "alpha", "greek"]


def test_the_possible_labels_are_those_of_the_sets_the_most_probable_first(bundle):
    with_limits = Bundle(bundle.folder)
    with_limits.__dict__["limits"] = np.array([[0.5] * 3, [0.5] * 3, [0.3, 0.3, 0.4], [0.2, 0.3, 0.4], [0.2, 0.2, 0.3]])
    columns = label_cells(with_limits, np.array([[0.1, 0.55, 0.35], [0.9, 0.06, 0.04], [0.22, 0.5, 0.28]]))
    assert columns["possible_labels"].to_pylist() == [["beta", "delta"], ["alpha"], ["beta", "alpha"]]
    needed = [np.round(of_cell, 2).tolist() for of_cell in columns["needed_coverage"].to_pylist()]
    assert needed == [[0.8, 0.99], [0.8], [0.8, 0.95]]


def test_the_set_of_a_cell_has_its_label_first(sample, bundle):
    table, _, _ = run(sample, bundle)
    assert (table["possible_labels"].str[0] == table["label"]).all()
    assert (table["needed_coverage"].str[0] == np.float32(0.8)).all()


def test_each_cell_alone(sample, bundle, expected):
    for row in (0, 17, 40):
        assert_same_cells(run(sample, bundle, rows=np.array([row])), expected, same_sample=False)


@pytest.mark.parametrize("chunk_size", [1, 7, 20])
def test_any_chunk(sample, bundle, expected, chunk_size):
    assert_same_cells(run(sample, bundle, chunk_size=chunk_size), expected)


@pytest.mark.parametrize(("cells", "tokens"), [(1, 10_000), (5, 10_000), (512, 90)])
def test_any_batch_and_its_padding(sample, bundle, expected, monkeypatch, cells, tokens):
    monkeypatch.setattr(inference, "MAX_CELLS", cells)
    monkeypatch.setattr(inference, "MAX_TOKENS", tokens)
    assert_same_cells(run(sample, bundle), expected)


def test_padded_to_the_length_of_a_longer_cell(sample, bundle, expected, tmp_path):
    def beside_full_cells(adata):
        full = adata[:3].copy()
        full.X = full.X.toarray() + 1
        full.obs_names = [f"full{i}" for i in range(3)]
        return ad.concat([full, adata])

    table, vectors, explanation = run(rewritten(sample, tmp_path / "beside.h5ad", beside_full_cells), bundle)
    mates = [name for name in table.index if not name.startswith("full")]
    assert_same_cells((table.loc[mates], vectors.loc[mates], explanation), expected, same_sample=False)


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_cells(sample, bundle, expected, tmp_path, seed):
    order = np.random.default_rng(seed).permutation(len(TRUTH))
    assert_same_cells(run(rewritten(sample, tmp_path / "cells.h5ad", lambda a: a[order].copy()), bundle), expected)


@pytest.mark.parametrize("seed", [1, 2])
def test_permuted_genes(sample, bundle, expected, tmp_path, seed):
    order = np.random.default_rng(seed).permutation(42)
    assert_same_cells(run(rewritten(sample, tmp_path / "genes.h5ad", lambda a: a[:, order].copy()), bundle), expected)


def test_explanations_do_not_depend_on_chunks(sample, bundle, expected):
    whole, parts = expected[2], run(sample, bundle, chunk_size=7)[2]
    np.testing.assert_array_equal(whole.n_cells, parts.n_cells)
    np.testing.assert_allclose(whole.scores, parts.scores, atol=1e-4)
    np.testing.assert_allclose(whole.programs, parts.programs, atol=1e-4)


def test_explanation_tables(bundle, expected):
    table, _, explanation = expected
    symbols = bundle.vocabulary["symbol"].to_numpy()
    scores = explanation.gene_scores(bundle.labels, symbols, np.arange(len(symbols)))
    programs = explanation.slot_programs(bundle.labels, symbols, np.arange(len(symbols)), bundle.slot_stability)
    assert len(scores) == table["label"].nunique() * len(symbols)
    assert scores.groupby("label")["n_cells"].first().to_dict() == table["label"].value_counts().to_dict()
    parquet.as_table(scores, schemas.GENE_SCORES)
    parquet.as_table(programs, schemas.PROGRAMS)


def test_qvalues_are_those_of_benjamini_and_hochberg():
    pvalues, nothing = np.array([0.2, 0.8, 0.4, 1.0]), np.zeros(4)
    cells = SampleCells(nothing, nothing, nothing, nothing, nothing, nothing, None)
    columns = ood_columns(cells, Judgement(pvalues, pvalues, Shift()))
    assert list(columns["ood_pvalue"]) == pytest.approx([0.2, 0.8, 0.4, 1.0])
    assert list(columns["ood_qvalue"]) == pytest.approx([0.8, 1.0, 0.8, 1.0])


def test_the_shift_changes_pvalues_alone(sample, bundle, expected):
    without = run(sample, bundle, shift="off")
    columns = expected[0].columns.difference(OF_THE_SAMPLE)
    pd.testing.assert_frame_equal(without[0][columns], expected[0][columns])


def test_barred_cells_are_never_excused(sample, bundle):
    every = np.ones(len(TRUTH), bool)
    barred, without = run(sample, bundle, barred=every)[0], run(sample, bundle, shift="off")[0]
    pd.testing.assert_series_equal(barred["ood_pvalue"], without["ood_pvalue"])
