"""Gene scores are exact parts of the label's logit, and their sums are those of the cells, whatever the batch."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from small_reference import LABELS, N_GENES, counts_of

from cellcohort.annotation.explanation import Explanation, explain_tokens, highest, score_tokens
from cellcohort.annotation.program_quality import QUALITY
from cellcohort.classifier.attribution import GeneContributions
from cellcohort.classifier.type_profiles import Profiles
from cellcohort.model.inference import predict_tokens, run_batches
from cellcohort.model.linear import IMPOSSIBLE
from cellcohort.model.reading import read_workspace
from cellcohort.model.tokens import Tokens, concatenate, scale_bins, tokenise
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import GENE_SCORES, PROGRAMS

N_CELLS = 60
EVERY = np.arange(N_GENES)


@pytest.fixture(scope="module", params=["transformer", "additive"])
def bundle(request, bundle, additive_bundle):
    return {"transformer": bundle, "additive": additive_bundle}[request.param]


@pytest.fixture(scope="module")
def tokens():
    return tokenise(counts_of(np.resize(np.array(LABELS, object), N_CELLS), seed=3))


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(0).integers(0, 3, N_CELLS)


def contrast(bundle, tokens, labels):
    """Logit of each cell's label in the linear model and typicality, less the mean of the other labels'."""
    compared = bundle.profiles.compare(scale_bins(tokens, N_GENES, bundle.model.config.n_bins))
    weights = bundle.ensemble_weights
    logits = weights[1] * compared.linear_logits + weights[2] * compared.typicality
    own = logits[np.arange(len(labels)), labels]
    return own - (logits.sum(1) - own) / (logits.shape[1] - 1)


def sums(tokens, contributions):
    return np.add.reduceat(contributions, tokens.indptr[:-1])


def test_the_highest_contribution_of_each_cell_is_named(bundle, tokens, labels):
    silent = concatenate([tokens, tokenise(sparse.csr_matrix((1, N_GENES), dtype=np.float32))])
    genes, scores = highest(silent, explain_tokens(bundle, silent, np.append(labels, 0)))
    parts = np.split(explain_tokens(bundle, tokens, labels), tokens.indptr[1:-1])
    np.testing.assert_allclose(scores[:-1], [part.max() for part in parts], rtol=1e-5)
    starts = tokens.indptr[:-1]
    assert genes[:-1].tolist() == [
        tokens.genes[start + part.argmax()] for start, part in zip(starts, parts, strict=True)
    ]
    assert genes[-1] == -1
    assert np.isnan(scores[-1])


def explain(bundle, tokens, labels, *, with_contributions=True):
    config = bundle.model.config
    explanation = Explanation(config.n_labels, config.n_genes, config.n_slots)
    for rows, batch, output in run_batches(bundle.model, tokens, attention=True):
        reading = read_workspace(bundle.model, batch, output, bundle.contrast[labels[rows]])
        scores = score_tokens(bundle, batch, labels[rows], reading) if with_contributions else reading.of_gene
        explanation.add(labels[rows], batch, reading, scores)
    return explanation


def test_contributions_add_up_to_the_logit_difference(bundle, tokens, labels):
    rest = contrast(bundle, tokens, labels) - sums(tokens, bundle.contributions.of(tokens, labels))
    same = [
        np.ptp(rest[(tokens.lengths == n) & (labels == label)])
        for n in np.unique(tokens.lengths)
        for label in range(3)
        if ((tokens.lengths == n) & (labels == label)).sum() > 1
    ]
    assert len(same) > 10
    assert np.ptp(contrast(bundle, tokens, labels)) > 1
    np.testing.assert_allclose(same, 0, atol=1e-5)  # what is left depends on the label and the number of genes


def test_swapping_a_gene_moves_the_logit_by_the_difference_of_the_scores(bundle):
    shared, own, other = np.arange(5, 25), 2, 35  # alpha has gene 2, no type has gene 35
    bins = np.full(21, 30, np.uint8)
    cells = [
        Tokens(np.array([0, 21]), np.sort([*shared, g]).astype(np.uint16), bins, bins / np.float16(50))
        for g in (own, other)
    ]
    both, alpha = concatenate(cells), np.zeros(2, int)
    scores = bundle.contributions.of(both, alpha)
    difference = np.subtract(*contrast(bundle, both, alpha))
    assert scores[both.genes == own] - scores[both.genes == other] == pytest.approx(difference, abs=1e-5)
    assert difference > 0.1


def test_removing_the_top_genes_moves_the_logit_more_than_others(bundle, tokens, labels):
    contributions = bundle.contributions.of(tokens, labels)
    lost = {}
    for name, score in {"top": contributions, "random": np.random.default_rng(1).random(len(contributions))}.items():
        cell = np.repeat(np.arange(N_CELLS), tokens.lengths)
        order = np.lexsort([-score, cell])
        keep = np.ones(len(score), bool)
        keep[order[np.add.outer(tokens.indptr[:-1], np.arange(3)).ravel()]] = False
        lost[name] = (contrast(bundle, tokens, labels) - contrast(bundle, tokens.drop(keep), labels)).mean()
    assert lost["top"] > 2 * abs(lost["random"])


def test_a_label_without_cells_is_no_contrast():
    rng = np.random.default_rng(0)
    weight, detection = rng.normal(size=(N_GENES, 3)), rng.normal(size=(N_GENES, 3))
    known = Profiles(weight, np.zeros(3), detection, np.ones((N_GENES, 3)), np.ones(N_GENES))
    bias = np.array([0, 0, 0, IMPOSSIBLE], np.float32)
    wider = Profiles(*(np.column_stack([a, a[:, :1] * 9]) if a.ndim == 2 else a for a in
                       (weight, bias, detection, np.ones((N_GENES, 3)), np.ones(N_GENES))))  # fmt: skip
    cells, weights = tokenise(counts_of(np.array(LABELS, object), seed=1)), np.ones(3)
    expected = GeneContributions(known, weights, 50).of(cells, np.arange(3))
    np.testing.assert_allclose(GeneContributions(wider, weights, 50).of(cells, np.arange(3)), expected, rtol=1e-5)


def test_sums_are_those_of_single_cells(bundle, tokens, labels):
    whole = explain(bundle, tokens, labels)
    order = np.random.default_rng(1).permutation(N_CELLS)
    shuffled = explain(bundle, tokens.take(order), labels[order])
    alone = [explain(bundle, tokens.take(np.array([i])), labels[[i]]) for i in range(N_CELLS)]
    for name in ("n_cells", "scores", "workspace", "detected", "programs"):
        parts = sum(getattr(one, name) for one in alone)
        np.testing.assert_allclose(getattr(whole, name), parts, atol=1e-5)
        np.testing.assert_allclose(getattr(shuffled, name), parts, atol=1e-5)


def test_tables_hold_means(bundle, tokens, labels):
    symbols = np.array([f"GENE{i}" for i in range(N_GENES)], object)
    explanation = explain(bundle, tokens, labels)
    table = as_table(explanation.gene_scores(bundle.labels, symbols, EVERY), GENE_SCORES).to_pandas()
    scaled_bins = scale_bins(tokens, N_GENES, 50)
    contributions = sparse.csr_matrix(
        (explain_tokens(bundle, tokens, labels), tokens.genes, tokens.indptr), scaled_bins.shape
    )
    for number, label in enumerate(bundle.labels):
        rows = table[table["label"] == label]
        cells = labels == number
        assert rows["n_cells"].unique().tolist() == [cells.sum()]
        np.testing.assert_allclose(rows["score"], contributions[cells].mean(0).A1, atol=1e-5)
        np.testing.assert_allclose(rows["detected"], (scaled_bins[cells] > 0).mean(0).A1, atol=1e-6)
    programs = as_table(explanation.slot_programs(bundle.labels, symbols, EVERY, None), PROGRAMS).to_pandas()
    assert len(programs) == 3 * 4 * N_GENES
    assert programs[list(QUALITY)].isna().all(axis=None)


@pytest.mark.parametrize("bundle", ["transformer"], indirect=True)
def test_attention_is_shared_among_genes(bundle, tokens, labels):
    symbols = np.array([f"GENE{i}" for i in range(N_GENES)], object)
    explanation = explain(bundle, tokens, labels)
    table, programs = (
        explanation.gene_scores(LABELS, symbols, EVERY),
        explanation.slot_programs(LABELS, symbols, EVERY, bundle.slot_stability),
    )
    assert table.groupby("label")["workspace"].sum().between(0, 1).all()
    assert programs.groupby(["label", "slot"])["weight"].sum().between(0.3, 1 + 1e-6).all()  # the rest: CLS


@pytest.mark.parametrize("stability", [[1.0, 0.5, 0.95, 0.75], [1.0, 0.45, 0.5, 0.0], [0.0] * 4])
def test_programs_divide_what_the_additive_workspace_says(additive_bundle, tokens, labels, stability):
    symbols = np.array([f"GENE{i}" for i in range(N_GENES)], object)
    explanation = explain(additive_bundle, tokens, labels)
    programs = explanation.slot_programs(LABELS, symbols, EVERY, np.array(stability))
    table = explanation.gene_scores(LABELS, symbols, EVERY).set_index(["label", "symbol"])["workspace"]
    pd.testing.assert_series_equal(
        programs.groupby(["label", "symbol"])["weight"].sum(), table.sort_index(), check_names=False
    )
    (logits,) = predict_tokens(additive_bundle.model, tokens, "logits")
    contrast = (additive_bundle.contrast[labels] * (logits - additive_bundle.model.bias.detach().numpy())).sum(1)
    for number, label in enumerate(LABELS):
        assert table[label].sum() == pytest.approx(contrast[labels == number].mean(), abs=1e-4)


def test_a_program_comes_with_its_stability_coverage_and_specificity(additive_bundle, tokens, labels):
    symbols, stability = np.array([f"GENE{i}" for i in range(N_GENES)], object), np.array([1.0, 0.5, 0.45, 0.75])
    table = explain(additive_bundle, tokens, labels).slot_programs(LABELS, symbols, EVERY, stability)
    rest = as_table(table, PROGRAMS).to_pandas().query("slot.isna()")
    assert len(rest) == 3 * N_GENES
    assert rest[list(QUALITY)].isna().all(axis=None)
    said = np.zeros((N_CELLS, 4))
    for rows, batch, output in run_batches(additive_bundle.model, tokens):
        reading = read_workspace(additive_bundle.model, batch, output, additive_bundle.contrast[labels[rows]])
        said[rows] = np.add.reduceat(reading.by_slot, batch.indptr[:-1])
    mean = np.maximum([said[labels == number].mean(0) for number in range(3)], 0)
    assert 0 < (mean > 0).sum() < 12  # some speak for their label, some against it
    for (label, slot), program in table.dropna().groupby(["label", "slot"]):
        number = LABELS.index(label)
        expected = [
            stability[slot],
            (said[labels == number, slot] > 0).mean(),
            mean[number, slot] / mean[:, slot].sum(),
        ]
        np.testing.assert_allclose(program[list(QUALITY)].drop_duplicates(), [expected], atol=1e-4)
    assert set(table["slot"].dropna()) == {0, 1, 3}


def test_scores_hold_what_all_additive_members_say(additive_bundle, tokens, labels):
    (logits,) = predict_tokens(additive_bundle.model, tokens, "logits")
    network = (additive_bundle.contrast[labels] * (logits - additive_bundle.model.bias.detach().numpy())).sum(1)
    whole = sums(tokens, explain_tokens(additive_bundle, tokens, labels))
    rest = sums(tokens, additive_bundle.contributions.of(tokens, labels))
    np.testing.assert_allclose(whole - rest, additive_bundle.ensemble_weights[0] * network, atol=1e-4)


def test_without_other_members_the_score_is_the_workspaces(bundle, tokens, labels):
    explanation = explain(bundle, tokens, labels, with_contributions=False)
    np.testing.assert_array_equal(explanation.scores, explanation.workspace)
