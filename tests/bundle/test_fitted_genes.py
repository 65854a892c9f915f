"""A gene that a sample does not measure is unknown there, never silent (design law 2)."""

import shutil

import numpy as np
import pytest
import torch
from small_reference import LABELS, N_GENES, counts_of, make_store

from cellcohort.bundle import fitted_genes
from cellcohort.bundle.fitted_genes import bundle_for_genes
from cellcohort.bundle.members import fit_members, predict_members
from cellcohort.bundle.model_bundle import FITTED_FILES, Bundle
from cellcohort.classifier.ensemble import probabilities
from cellcohort.classifier.label_sets import needed_coverage
from cellcohort.classifier.type_profiles import fit_profiles
from cellcohort.model.inference import predict_tokens
from cellcohort.model.network import CellMemory, ModelConfig
from cellcohort.model.token_store import TokenStore, part_of_store, write_store
from cellcohort.model.tokens import scale_bins, tokenise
from cellcohort.ood.judgement import judge_in_memory

EVERY_OTHER = np.arange(0, N_GENES, 2)
ALL_BUT_ONE = np.delete(np.arange(N_GENES), 7)
TYPES = np.array([*LABELS * 60], object)
COUNTS = counts_of(TYPES, seed=11)
IDS = np.array([f"c{i:03d}" for i in range(len(TYPES))], object)


@pytest.fixture(params=["transformer", "additive"])
def whole(request, bundle, additive_bundle):
    return {"transformer": bundle, "additive": additive_bundle}[request.param]


def of_genes(counts, measured):
    """The counts of a sample that measures only these genes."""
    keep = np.zeros(N_GENES, np.float32)
    keep[measured] = 1
    return tokenise(counts.multiply(keep).tocsr())


def label(bundle, tokens):
    logits = predict_members(bundle.model, bundle.profiles, tokens)
    return probabilities(logits, bundle.ensemble_weights)


def false_alarms(bundle, tokens):
    bins = scale_bins(tokens, N_GENES, 50)
    compared = bundle.profiles.compare(bins)
    judged = judge_in_memory(bundle.profiles, bundle.detector, bundle.labels, compared, bins, IDS)
    return float((judged.pvalues <= 0.05).mean())


def test_a_sample_that_measures_all_genes_takes_the_bundle_as_it_is(whole, tmp_path):
    assert bundle_for_genes(whole, np.arange(N_GENES), tmp_path) is whole
    assert not list(tmp_path.iterdir())


def test_silence_of_unmeasured_genes_says_nothing(whole):
    """The types' likelihoods are those of profiles that never had the gene."""
    tokens, columns = of_genes(COUNTS, EVERY_OTHER), whole.profiles.detection[EVERY_OTHER]
    profiles = Bundle(whole.folder, EVERY_OTHER).profiles
    alone = fit_profiles(scale_bins(tokens, N_GENES, 50)[:, EVERY_OTHER], np.arange(len(TYPES)) % 3, 3)
    alone = type(alone)(alone.weight, alone.bias, columns, alone.level, alone.deviation)
    bins = scale_bins(tokens, N_GENES, 50)
    expected = alone.compare(bins[:, EVERY_OTHER]).typicality
    np.testing.assert_allclose(profiles.compare(bins).typicality, expected, rtol=1e-5, atol=1e-5)
    assert np.abs(whole.profiles.compare(bins).typicality - expected).mean() > 0.1


def test_one_missing_gene_is_left_out_without_a_fit(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(fitted_genes, "_fit", None)
    fewer = bundle_for_genes(whole, ALL_BUT_ONE, tmp_path)
    assert fewer.fitted is None
    assert (fewer.profiles.weight[7] == 0).all()
    assert (fewer.profiles.weight[ALL_BUT_ONE] == whole.profiles.weight[ALL_BUT_ONE]).all()


def test_half_of_the_genes_label_and_alarm_as_the_whole_does(whole, tmp_path):
    fewer, tokens = bundle_for_genes(whole, EVERY_OTHER, tmp_path), of_genes(COUNTS, EVERY_OTHER)
    probability = label(fewer, tokens)
    correct = np.array(fewer.labels, object)[probability.argmax(1)] == TYPES
    assert correct.mean() > 0.9
    assert abs(probability.max(1).mean() - correct.mean()) < 0.06
    assert false_alarms(fewer, tokens) < 0.15
    unknown = of_genes(counts_of(np.full(len(TYPES), "unknown", object), seed=3), EVERY_OTHER)
    assert false_alarms(fewer, unknown) > 0.7


def test_label_sets_have_limits_of_the_measured_genes(whole, tmp_path):
    fewer = bundle_for_genes(whole, EVERY_OTHER, tmp_path)
    assert fewer.limits.shape == whole.limits.shape
    assert (fewer.limits != whole.limits).all()
    inside = needed_coverage(label(fewer, of_genes(COUNTS, EVERY_OTHER)), fewer.limits) <= 0.9
    assert inside[np.arange(len(TYPES)), np.searchsorted(LABELS, TYPES)].mean() > 0.85


def test_the_fit_is_that_of_a_reference_that_never_had_the_genes(whole, tmp_path):
    """Profiles, detector and linear evidence as from a token store of the measured genes alone."""
    fewer = bundle_for_genes(whole, EVERY_OTHER, tmp_path)
    store = whole.reference_tokens
    shards = [(t.of_genes(EVERY_OTHER, N_GENES, n_bins=50), cells) for t, cells in part_of_store(store, np.arange(600))]
    write_store(tmp_path / "tokens.arrow", shards)
    unmeasured = np.setdiff1d(np.arange(N_GENES), EVERY_OTHER)
    names = np.array(whole.labels, object)
    given = {"seed": fitted_genes.SEED, "unmeasured": unmeasured}
    expected = fit_members(fewer.model, TokenStore(tmp_path / "tokens.arrow"), names, **given)
    np.testing.assert_allclose(fewer.profiles.weight, expected.profiles.weight, rtol=1e-6)
    np.testing.assert_allclose(fewer.detector.location, expected.detector.location, rtol=1e-6)
    assert (fewer.profiles.weight[unmeasured] == 0).all()


def test_the_evidence_of_the_workspace_is_of_the_measured_genes(additive_bundle, tmp_path):
    model = bundle_for_genes(additive_bundle, EVERY_OTHER, tmp_path).model
    unmeasured = np.setdiff1d(np.arange(N_GENES), EVERY_OTHER)
    assert (model.bin_evidence.weight[unmeasured] == 0).all()
    changed = model.bin_evidence.weight[EVERY_OTHER] - additive_bundle.model.bin_evidence.weight[EVERY_OTHER]
    assert changed.abs().max() > 0.1


def test_it_is_fitted_once_for_all_samples_of_the_same_genes(whole, tmp_path, monkeypatch):
    first = bundle_for_genes(whole, EVERY_OTHER, tmp_path / "a")
    again = bundle_for_genes(Bundle(whole.folder), EVERY_OTHER, tmp_path / "b")
    for name in FITTED_FILES:
        assert (first.fitted / name).read_bytes() == (again.fitted / name).read_bytes()
    monkeypatch.setattr(fitted_genes, "_fit", None)
    assert bundle_for_genes(whole, EVERY_OTHER, tmp_path / "a").fitted == first.fitted
    assert [path.name for path in (tmp_path / "a").iterdir()] == [first.fitted.name]


def test_a_job_that_comes_second_leaves_what_the_first_kept(whole, tmp_path, monkeypatch):
    fit, other = fitted_genes._fit, []

    def meanwhile(bundle, measured, folder):
        fit(bundle, measured, folder)
        if not other:
            other.append(folder)
            bundle_for_genes(bundle, measured, tmp_path)

    monkeypatch.setattr(fitted_genes, "_fit", meanwhile)
    fewer = bundle_for_genes(whole, EVERY_OTHER, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [fewer.fitted.name]
    assert sorted(path.name for path in fewer.fitted.iterdir()) == sorted(FITTED_FILES)


def test_another_bundle_does_not_take_what_was_fitted(bundle, additive_bundle, tmp_path):
    for each in (bundle, additive_bundle):
        bundle_for_genes(each, EVERY_OTHER, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_kept_is_an_error(whole, tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.rename", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        bundle_for_genes(whole, EVERY_OTHER, tmp_path)
    assert not list(tmp_path.iterdir())


def test_unmeasured_genes_are_no_silent_tokens():
    """Of a network for which every gene is a token."""
    torch.manual_seed(0)
    sizes = {"d_model": 32, "d_ff": 32, "d_key": 8, "n_slots": 4, "n_layers": 2}
    model, tokens = CellMemory(ModelConfig(N_GENES, 3, **sizes, all_genes=True)).eval(), of_genes(COUNTS, EVERY_OTHER)
    model.measured = EVERY_OTHER
    (logits,) = predict_tokens(model, tokens, "logits")
    every = torch.from_numpy(EVERY_OTHER).expand(len(tokens), -1)
    bins = torch.from_numpy(np.rint(scale_bins(tokens, N_GENES, 50).toarray()[:, EVERY_OTHER] * 50)).long()
    with torch.inference_mode():
        expected = model(every, bins, torch.ones_like(bins, dtype=torch.bool)).logits
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_tokens_of_fewer_genes_are_as_if_the_others_had_never_been_measured(tmp_path):
    tokens, expected = tokenise(COUNTS).of_genes(EVERY_OTHER, N_GENES, n_bins=50), of_genes(COUNTS, EVERY_OTHER)
    np.testing.assert_array_equal(tokens.indptr, expected.indptr)
    np.testing.assert_array_equal(tokens.genes, expected.genes)
    np.testing.assert_array_equal(tokens.bins, expected.bins)
    np.testing.assert_allclose(tokens.levels, expected.levels, atol=2e-3)


def test_the_bundle_keeps_the_tokens_that_it_was_calibrated_on(bundle):
    kept = bundle.reference_tokens
    assert set(kept.cells["split"]) == {"train", "validation"}
    assert kept.cells["cell_id"].is_unique


def test_a_copied_bundle_finds_what_was_fitted(bundle, tmp_path):
    copy = Bundle.open(shutil.copytree(bundle.folder, tmp_path / "copy"))
    first = bundle_for_genes(bundle, EVERY_OTHER, tmp_path / "kept")
    assert bundle_for_genes(copy, EVERY_OTHER, tmp_path / "kept").fitted == first.fitted


def test_a_store_without_the_genes_has_no_token_of_them(tmp_path):
    store = make_store(tmp_path / "tokens.arrow")
    tokens = store.read(np.arange(len(store))).of_genes(EVERY_OTHER, N_GENES, n_bins=50)
    assert np.isin(tokens.genes, EVERY_OTHER).all()
    assert len(tokens) == len(store)
