"""Parity with the published package on random weights whose answers its own code computed once.

fixtures/published.npz holds, for both modes and three seeds, a random state dict (30 genes, 4 types, width 16, 3 slots,
4 layers), counts of 12 cells, and the logits and CLS tokens that the published binning and forward pass give for each
cell alone. Weights that its forward pass never reads are left out.
"""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from cellcohort.annotation.annotate import annotate
from cellcohort.annotation.explanation import Explanation
from cellcohort.bundle.fitted_genes import bundle_for_genes
from cellcohort.bundle.import_published import calibrate_published, convert_weights, import_published
from cellcohort.bundle.model_bundle import Bundle, load_model
from cellcohort.core.errors import InputError
from cellcohort.genes.alignment import align_genes
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_aliases
from cellcohort.model.inference import predict_tokens
from cellcohort.model.tokens import Tokens, tokenise
from cellcohort.outputs.parquet import read_frame

GENES = [f"GENE{i}" for i in range(28)] + ["TP53", "ENSG00000141510.5"]
LABELS = ["B", "NA", "T, memory", "mast"]


@pytest.fixture(scope="module")
def fixture():
    with np.load(Path(__file__).parents[1] / "fixtures" / "published.npz") as file:
        return dict(file)


@pytest.fixture
def checkpoint(fixture, tmp_path):
    """A function that writes a folder as the package's training does."""

    def write(mode: str, seed: int = 0, *, labels=LABELS, max_bin: int | str = 50) -> Path:
        folder = tmp_path / "study"
        folder.mkdir()
        state = {"net": weights(fixture, mode, seed), "acc": np.float64(0.5), "epoch": 3}
        torch.save(state, folder / "study_ckpt.pth")
        for part, names in (("ref_gene", GENES), ("idx2celltype", labels)):
            pd.DataFrame(names).to_csv(folder / f"study_{part}.txt", header=False, index=False)
        (folder / "MaxBin.txt").write_text(str(max_bin))
        return folder

    return write


def weights(fixture, mode: str, seed: int) -> dict[str, torch.Tensor]:
    prefix = f"{mode}/{seed}/net/"
    return {key[len(prefix) :]: torch.tensor(value) for key, value in fixture.items() if key.startswith(prefix)}


def write_reference(path: Path, labels) -> dict:
    counts = np.random.default_rng(0).negative_binomial(1, 0.35, (120, len(GENES))).astype(np.float32)
    obs = pd.DataFrame({"cell_type": np.resize(labels, 120)}, index=[f"c{i}" for i in range(120)])
    ad.AnnData(sparse.csr_matrix(counts), obs=obs, var=pd.DataFrame(index=GENES)).write_h5ad(path)
    return {"path": str(path), "label": "cell_type"}


def annotated(counts, alignment, bundle) -> pd.DataFrame:
    explanation = Explanation(4, len(GENES), bundle.model.config.n_slots)
    given = {"sample_id": "s", "patient_id": "p", "shift": "auto", "keep_embedding": lambda table: None}
    given["barred"] = np.zeros(120, bool)
    return annotate(counts, np.arange(120), alignment, bundle, explanation, **given).table.to_pandas()


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("mode", ["fast", "full"])
def test_answers_equal_the_published_ones_from_the_counts_on(fixture, mode, seed):
    model = convert_weights(weights(fixture, mode, seed))
    tokens = tokenise(sparse.csr_matrix(fixture[f"{mode}/{seed}/counts"]))
    logits, embedding = predict_tokens(model, tokens, "logits", "embedding")
    assert model.config.all_genes == (mode == "full")
    np.testing.assert_allclose(logits, fixture[f"{mode}/{seed}/logits"], atol=1e-4)
    np.testing.assert_allclose(embedding, fixture[f"{mode}/{seed}/embedding"], atol=1e-4)


@pytest.mark.parametrize("mode", ["fast", "full"])
def test_an_imported_model_annotates_once_it_is_calibrated(checkpoint, fixture, tmp_path, mode):
    import_published(checkpoint(mode), tmp_path / "bundle")
    with pytest.raises(InputError, match="lacks calibration"):
        Bundle.open(tmp_path / "bundle")
    reference = write_reference(tmp_path / "reference.h5ad", [*LABELS, "unheard of"])
    calibrate_published(tmp_path / "bundle", reference)
    bundle = Bundle.open(tmp_path / "bundle")
    assert bundle.labels == LABELS
    assert bundle.vocabulary["symbol"].tolist() == [*GENES[:-1], "TP53"]
    counts = open_counts(reference["path"])
    alignment = align_genes(counts.genes, bundle.vocabulary, gene_aliases())
    scores = annotated(counts, alignment, bundle)
    (logits,) = predict_tokens(bundle.model, tokenise(alignment.project(counts.read())), "logits")
    assert scores["label"].tolist() == [LABELS[i] for i in logits.argmax(1)]
    known = np.resize([*LABELS, None], 120)  # random weights: sets of one label would hold a quarter of the cells'
    pairs = zip(known, scores["possible_labels"], scores["needed_coverage"], strict=True)
    covered = [kind in types[needed < 0.91] for kind, types, needed in pairs if kind]
    assert np.mean(covered) > 0.8


def test_a_reference_without_a_type_of_the_model_cannot_calibrate(checkpoint, tmp_path):
    import_published(checkpoint("fast"), tmp_path / "bundle")
    with pytest.raises(InputError, match="no cell of mast"):
        calibrate_published(tmp_path / "bundle", write_reference(tmp_path / "reference.h5ad", LABELS[:3]))


def test_files_that_do_not_belong_together_are_refused(checkpoint, tmp_path):
    with pytest.raises(InputError, match="30 genes and 3 types"):
        import_published(checkpoint("fast", labels=LABELS[:3]), tmp_path / "bundle")


def test_types_in_another_order_keep_their_outputs(checkpoint, fixture, tmp_path):
    import_published(checkpoint("fast", labels=LABELS[::-1]), tmp_path / "bundle")
    given = convert_weights(weights(fixture, "fast", 0)).head.weight
    model = load_model(tmp_path / "bundle" / "weights.safetensors", tmp_path / "bundle" / "config.json")
    assert read_frame(tmp_path / "bundle" / "labels.parquet")["label"].tolist() == LABELS
    torch.testing.assert_close(model.head.weight, given.flip(0))


def test_a_type_that_is_listed_twice_is_refused(checkpoint, tmp_path):
    with pytest.raises(InputError, match="listed twice"):
        import_published(checkpoint("fast", labels=[*LABELS[:3], "B"]), tmp_path / "bundle")


@pytest.mark.parametrize("stored", ["counts", "log-normalised"])
@pytest.mark.parametrize("mode", ["fast", "full"])
def test_bin_norm_gives_the_published_bins_and_labels(checkpoint, fixture, tmp_path, mode, stored):
    import_published(checkpoint(mode, max_bin=7), tmp_path / "bundle")
    reference = write_reference(tmp_path / "reference.h5ad", LABELS)
    cells = ad.read_h5ad(reference["path"])
    values = log_normalised(cells.X.toarray())
    if stored == "log-normalised":
        cells.X = sparse.csr_matrix(values)
        cells.write_h5ad(reference["path"])
    calibrate_published(tmp_path / "bundle", reference)
    bundle, counts = Bundle.open(tmp_path / "bundle"), open_counts(reference["path"])
    bins = published_norm_bins(values, 7)
    np.testing.assert_array_equal(dense_bins(bundle.reference_tokens.read(np.arange(120))), bins)
    alignment = align_genes(counts.genes, bundle.vocabulary, gene_aliases())
    scores = annotated(counts, alignment, bundle)
    (logits,) = predict_tokens(convert_weights(weights(fixture, mode, 0)), tokens_of(bins), "logits")
    assert scores["label"].tolist() == [LABELS[i] for i in logits.argmax(1)]
    assert not np.array_equal(bins, dense_bins(tokenise(alignment.project(counts.read()))))


def test_a_sample_of_fewer_genes_is_annotated_by_bin_norm(checkpoint, fixture, tmp_path):
    import_published(checkpoint("fast", max_bin=9), tmp_path / "bundle")
    reference = write_reference(tmp_path / "reference.h5ad", LABELS)
    calibrate_published(tmp_path / "bundle", reference)
    few = ad.read_h5ad(reference["path"])[:, 5:].copy()
    few.write_h5ad(tmp_path / "few.h5ad")
    counts, bundle = open_counts(tmp_path / "few.h5ad"), Bundle.open(tmp_path / "bundle")
    alignment = align_genes(counts.genes, bundle.vocabulary, gene_aliases())
    fitted = bundle_for_genes(bundle, alignment.measured, tmp_path / "fitted")
    bins = np.hstack([np.zeros((120, 5), int), published_norm_bins(log_normalised(few.X.toarray()), 9)])
    (logits,) = predict_tokens(convert_weights(weights(fixture, "fast", 0)), tokens_of(bins), "logits")
    assert annotated(counts, alignment, fitted)["label"].tolist() == [LABELS[i] for i in logits.argmax(1)]


def log_normalised(counts: np.ndarray) -> np.ndarray:
    return np.log1p(1e4 * counts / counts.sum(1, keepdims=True)).astype(np.float32)


def published_norm_bins(values: np.ndarray, max_bin: int) -> np.ndarray:
    """The package's `bin_norm` of a query."""
    bins = np.ceil(values)
    bins[bins > max_bin] = max_bin
    return bins.astype(int)


def tokens_of(bins: np.ndarray) -> Tokens:
    cells = sparse.csr_matrix(bins)
    levels = np.zeros(cells.nnz, np.float16)
    return Tokens(cells.indptr.astype(np.int64), cells.indices.astype(np.uint16), cells.data.astype(np.uint8), levels)


def dense_bins(tokens: Tokens) -> np.ndarray:
    return sparse.csr_matrix((tokens.bins, tokens.genes, tokens.indptr), shape=(len(tokens), len(GENES))).toarray()


@pytest.mark.parametrize("max_bin", ["0", "51", "nan", "ten", "9.5"])
def test_a_number_of_bins_that_the_weights_do_not_have_is_refused(checkpoint, tmp_path, max_bin):
    with pytest.raises(InputError, match=r"MaxBin.txt: .* no number of bins from 1 to the 50"):
        import_published(checkpoint("fast", max_bin=max_bin), tmp_path / "bundle")


def test_bins_of_values_that_are_no_log_normalised_counts_are_refused(checkpoint, tmp_path):
    with pytest.raises(InputError, match="bin_norm on values that are not log-normalised"):
        import_published(checkpoint("fast", max_bin=14), tmp_path / "bundle")


def test_an_empty_file_is_named(checkpoint, tmp_path):
    with pytest.raises(InputError, match="the file is empty"):
        import_published(checkpoint("fast", max_bin=""), tmp_path / "bundle")


@pytest.mark.parametrize("content", [b"", b"no zip", {"net": {}}, {"weights": 1}, {"net": print}])
def test_what_is_no_checkpoint_is_refused(checkpoint, tmp_path, content):
    path = checkpoint("fast") / "study_ckpt.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(InputError, match="study_ckpt"):
        import_published(path.parent, tmp_path / "bundle")


def test_a_missing_file_is_named(checkpoint, tmp_path):
    folder = checkpoint("fast")
    (folder / "study_ref_gene.txt").unlink()
    with pytest.raises(InputError, match="study_ref_gene"):
        import_published(folder, tmp_path / "bundle")
